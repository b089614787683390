package org.starmill.psf;

/**
 * One Gauss-Newton step of the PSF's polynomials and its grid of residuals together.
 *
 * <p>Unknown are the nodes' polynomials c, the shape's polynomials p and each star's own x, y, flux
 * and sky, which are eliminated. A priori a node's value is a Gaussian of mean 0 whose deviation is
 * a share of the PSF's light there, and smooth beside its neighbours: without stars that say
 * otherwise there is no residual. The system is solved by conjugate gradients; the normal matrix of
 * the nodes alone, which is banded, for a node shares pixels with those up to three away, is the
 * preconditioner (Cholesky).
 */
final class ResidualFit {
  /** Light, over that of the peak, below which a residual's expected size falls no more. */
  private static final double FLOOR = 0.004;

  /** What a residual's linear and quadratic change over the field may be beside its mean. */
  private static final double VARIATION = 0.5;

  private static final double ROUGHNESS = 1;
  private static final double INDEPENDENCE = 0.1;
  private static final int MOST_ITERATIONS = 12;
  private static final double ACCURACY = 1e-5;

  final int steps;
  final int reach;
  final int side;
  final int terms;
  private final int size;
  private final int band;

  /** Light at the nodes: of a star centred on the middle one, a pixel about each node. */
  private final double[] light;

  private final double[] taper;

  /** Size that a node's value may have, before the amplitude. */
  private final double[] expected;

  /** Factor of the nodes' normal matrix of the first step; it serves the next ones as well. */
  private double[] lower;

  ResidualFit(Psf psf, int steps, int reach, int terms) {
    this.steps = steps;
    this.reach = reach;
    this.terms = terms;
    side = 2 * reach + 1;
    size = side * side * terms;
    band = (3 * side + 3) * terms + terms - 1;
    light = new double[side * side];
    taper = new double[side * side];
    expected = new double[side * side];
    Psf analytic = psf.with((PsfResidual) null);
    PsfStampKernel kernel = new PsfStampKernel();
    kernel.configure(analytic);
    float[] form = new float[PsfKernel.FORM];
    analytic.formAt((psf.width() - 1) / 2.0, (psf.height() - 1) / 2.0, form, 0);
    for (int j = 0; j < side; j++) {
      for (int i = 0; i < side; i++) {
        float x = (float) (i - reach) / steps;
        float y = (float) (j - reach) / steps;
        int n = j * side + i;
        double r = Math.hypot(i - reach, j - reach) / (reach + 1);
        taper[n] = r < 1 ? (1 - r * r) * (1 - r * r) : 0;
        light[n] = kernel.pixel(form, 0, x, y, 3);
      }
    }
    double peak = light[reach * side + reach];
    for (int n = 0; n < expected.length; n++) {
      expected[n] = (light[n] + FLOOR * peak) * Math.max(taper[n], 1e-3);
      light[n] *= taper[n];
    }
  }

  /**
   * What a step changes.
   *
   * @param coefficients of the nodes after the step
   * @param shapeStep by the shape's coefficients
   * @param ownSteps of x, y, flux and sky of each star that is in use, null for others
   */
  record Step(double[] coefficients, double[] shapeStep, double[][] ownSteps) {}

  private double[] prior(double amplitude) {
    double[] precision = new double[size * (band + 1)];
    for (int j = 0; j < side; j++) {
      for (int i = 0; i < side; i++) {
        addPrior(precision, amplitude, new int[] {j * side + i}, new double[] {1}, INDEPENDENCE);
        // Second differences; nodes beyond the grid are 0.
        int[] row = {
          i > 0 ? j * side + i - 1 : -1, j * side + i, i < side - 1 ? j * side + i + 1 : -1
        };
        int[] column = {
          j > 0 ? (j - 1) * side + i : -1, j * side + i, j < side - 1 ? (j + 1) * side + i : -1
        };
        double[] second = {1, -2, 1};
        addPrior(precision, amplitude, row, second, ROUGHNESS);
        addPrior(precision, amplitude, column, second, ROUGHNESS);
      }
    }
    return precision;
  }

  private void addPrior(
      double[] precision, double amplitude, int[] nodes, double[] factors, double strength) {
    for (int p = 0; p < nodes.length; p++) {
      for (int q = 0; q < nodes.length; q++) {
        if (nodes[p] >= 0 && nodes[q] >= 0 && nodes[q] <= nodes[p]) {
          double value =
              strength * factors[p] * factors[q] / (expected[nodes[p]] * expected[nodes[q]]);
          for (int t = 0; t < terms; t++) {
            double deviation = t == 0 ? amplitude : amplitude * VARIATION;
            int row = nodes[p] * terms + t;
            int column = nodes[q] * terms + t;
            precision[row * (band + 1) + column - row + band] += value / (deviation * deviation);
          }
        }
      }
    }
  }

  /**
   * Takes a step.
   *
   * @param psf with the residuals so far
   * @param kernel that has summed the stars' systems and grids for it
   * @param shape the normal matrix of the shape's coefficients, and its gradient
   * @param orders terms of each of the shape's polynomials that are fitted
   * @param amplitude expected size of a residual as a share of the light
   */
  Step solve(
      Psf psf,
      PsfStars stars,
      PsfNormalKernel kernel,
      StarSystem[] systems,
      boolean[] used,
      double[][] shape,
      double[] shapeGradient,
      int[] orders,
      double amplitude) {
    int n = stars.count();
    int nodes = side * side;
    int count = shapeGradient.length;
    double[] now = psf.residual() == null ? new double[size] : psf.residual().coefficients();
    double[] precision = prior(amplitude);
    double[] matrix = precision.clone();
    double[] right = times(precision, now);
    for (int i = 0; i < size; i++) {
      right[i] = -right[i];
    }
    double[][] cross = new double[count][size];
    double[][] bases = new double[n][];
    double[][][] own = new double[n][][];
    int longest = terms;
    for (int order : orders) {
      longest = Math.max(longest, order);
    }
    double[] reduced = new double[5];
    for (int star = 0; star < n; star++) {
      if (!used[star]) {
        continue;
      }
      double[] basis = new double[longest];
      psf.basis(stars.x(star), stars.y(star), Psf.order(longest), basis);
      bases[star] = basis;
      StarSystem system = systems[star];
      double[][] ownOfNode = new double[4][nodes];
      own[star] = ownOfNode;
      double[][] response = new double[5][];
      for (int a = 0; a < 4; a++) {
        response[a] = DenseMatrix.times(system.ownInverse, system.cross[a]);
      }
      response[4] = DenseMatrix.times(system.ownInverse, system.ownGradient);
      int from = star * nodes * kernel.gridColumns;
      for (int node = 0; node < nodes; node++) {
        int g = from + node * kernel.gridColumns;
        for (int b = 0; b < 4; b++) {
          ownOfNode[b][node] = kernel.grid[g + b];
        }
        if (kernel.grid[g + 2] == 0f) {
          continue;
        }
        for (int a = 0; a < 5; a++) {
          double value = a == 4 ? kernel.grid[g + 8] : 0;
          for (int m = 0; m < 4; m++) {
            value += a == 4 ? 0 : system.chain[m][a] * kernel.grid[g + 4 + m];
            value -= kernel.grid[g + m] * response[a][m];
          }
          reduced[a] = value;
        }
        for (int t = 0; t < terms; t++) {
          int k = node * terms + t;
          right[k] += basis[t] * reduced[4];
          int column = 0;
          for (int a = 0; a < orders.length; a++) {
            double value = basis[t] * reduced[a];
            for (int i = 0; i < orders[a]; i++) {
              cross[column++][k] += value * basis[i];
            }
          }
        }
      }
      addStar(matrix, kernel, star, basis);
    }
    if (lower == null) {
      lower = matrix.clone();
      factor(lower);
    }
    double[][] shapeInverse = DenseMatrix.inverseOfPositive(shape);
    double[] step =
        conjugateGradients(
            matrix, lower, cross, shape, shapeInverse, right, shapeGradient, systems, bases, own);
    double[] coefficients = new double[size];
    for (int i = 0; i < size; i++) {
      coefficients[i] = now[i] + step[i];
    }
    equalise(coefficients);
    for (int i = 0; i < size; i++) {
      step[i] = coefficients[i] - now[i];
    }
    double[] shapeStep = new double[count];
    System.arraycopy(step, size, shapeStep, 0, count);
    double[][] ownSteps = new double[n][];
    for (int star = 0; star < n; star++) {
      if (used[star]) {
        double[] gradient = systems[star].ownGradient.clone();
        int column = 0;
        for (int a = 0; a < orders.length; a++) {
          for (int i = 0; i < orders[a]; i++) {
            double change = bases[star][i] * shapeStep[column++];
            for (int b = 0; b < 4; b++) {
              gradient[b] -= systems[star].cross[a][b] * change;
            }
          }
        }
        double[] of = ownOf(step, bases[star], own[star]);
        for (int b = 0; b < 4; b++) {
          gradient[b] -= of[b];
        }
        ownSteps[star] = DenseMatrix.times(systems[star].ownInverse, gradient);
      }
    }
    return new Step(coefficients, shapeStep, ownSteps);
  }

  /** The nodes' normal matrix of one star: its pixels share the 16 weights of their nodes. */
  private void addStar(double[] matrix, PsfNormalKernel kernel, int star, double[] basis) {
    double tx = reach - (double) steps * kernel.offsetX[star];
    double ty = reach - (double) steps * kernel.offsetY[star];
    int ix = (int) Math.floor(tx);
    int iy = (int) Math.floor(ty);
    double[] wx = PsfResidual.weights(tx - ix);
    double[] wy = PsfResidual.weights(ty - iy);
    double[] products = new double[terms * terms];
    for (int s = 0; s < terms; s++) {
      for (int t = 0; t < terms; t++) {
        products[s * terms + t] = basis[s] * basis[t];
      }
    }
    int stampRadius = kernel.stampRadius;
    int stampSide = 2 * stampRadius + 1;
    double square = (double) kernel.flux[star] * kernel.flux[star];
    int radius = Math.min(stampRadius, (reach + 2) / steps + 1);
    for (int py = -radius; py <= radius; py++) {
      int top = steps * py + iy - 1;
      for (int px = -radius; px <= radius; px++) {
        double weight =
            square
                * kernel
                    .weights[
                    (star * stampSide + py + stampRadius) * kernel.stride + px + stampRadius];
        int left = steps * px + ix - 1;
        if (weight == 0 || top + 3 < 0 || top >= side || left + 3 < 0 || left >= side) {
          continue;
        }
        int firstRow = Math.max(0, top);
        int lastRow = Math.min(side - 1, top + 3);
        int first = Math.max(0, left);
        int last = Math.min(side - 1, left + 3);
        for (int j = firstRow; j <= lastRow; j++) {
          for (int i = first; i <= last; i++) {
            double one = weight * wy[j - top] * wx[i - left];
            int node = j * side + i;
            for (int jj = firstRow; jj <= j; jj++) {
              double two = one * wy[jj - top];
              int end = jj == j ? i : last;
              for (int ii = first; ii <= end; ii++) {
                double value = two * wx[ii - left];
                int other = jj * side + ii;
                for (int s = 0; s < terms; s++) {
                  int row = node * terms + s;
                  int at = row * (band + 1) + other * terms - row + band;
                  int most = other == node ? s + 1 : terms;
                  for (int t = 0; t < most; t++) {
                    matrix[at + t] += value * products[s * terms + t];
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  private double[] times(double[] lower, double[] vector) {
    double[] product = new double[vector.length];
    int width = band + 1;
    for (int row = 0; row < size; row++) {
      int first = Math.max(0, row - band);
      int at = row * width + band - row;
      double sum = lower[at + row] * vector[row];
      double factor = vector[row];
      for (int column = first; column < row; column++) {
        double value = lower[at + column];
        sum += value * vector[column];
        product[column] += value * factor;
      }
      product[row] += sum;
    }
    return product;
  }

  /** Cholesky's decomposition of a banded matrix, in place. */
  private void factor(double[] lower) {
    int width = band + 1;
    for (int row = 0; row < size; row++) {
      int first = Math.max(0, row - band);
      int at = row * width + band - row;
      for (int column = first; column <= row; column++) {
        int other = column * width + band - column;
        int from = Math.max(first, column - band);
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int k = from;
        for (; k + 3 < column; k += 4) {
          a += lower[at + k] * lower[other + k];
          b += lower[at + k + 1] * lower[other + k + 1];
          c += lower[at + k + 2] * lower[other + k + 2];
          d += lower[at + k + 3] * lower[other + k + 3];
        }
        for (; k < column; k++) {
          a += lower[at + k] * lower[other + k];
        }
        double sum = lower[at + column] - (a + b + c + d);
        lower[at + column] =
            column == row ? Math.sqrt(Math.max(sum, 1e-30)) : sum / lower[other + column];
      }
    }
  }

  private void solveFactored(double[] lower, double[] vector) {
    int width = band + 1;
    for (int row = 0; row < size; row++) {
      int at = row * width + band - row;
      double sum = vector[row];
      for (int column = Math.max(0, row - band); column < row; column++) {
        sum -= lower[at + column] * vector[column];
      }
      vector[row] = sum / lower[at + row];
    }
    for (int row = size - 1; row >= 0; row--) {
      int at = row * width + band - row;
      double value = vector[row] / lower[at + row];
      vector[row] = value;
      for (int column = Math.max(0, row - band); column < row; column++) {
        vector[column] -= lower[at + column] * value;
      }
    }
  }

  /** What a change of the nodes pulls of a star's own unknowns. */
  private double[] ownOf(double[] step, double[] basis, double[][] own) {
    double[] sum = new double[4];
    for (int node = 0; node < side * side; node++) {
      double value = 0;
      for (int t = 0; t < terms; t++) {
        value += basis[t] * step[node * terms + t];
      }
      for (int b = 0; b < 4; b++) {
        sum[b] += own[b][node] * value;
      }
    }
    return sum;
  }

  private double[] product(
      double[] matrix,
      double[][] cross,
      double[][] shape,
      double[] vector,
      StarSystem[] systems,
      double[][] bases,
      double[][][] own) {
    double[] out = times(matrix, vector);
    for (int star = 0; star < bases.length; star++) {
      if (bases[star] != null) {
        double[] solved =
            DenseMatrix.times(systems[star].ownInverse, ownOf(vector, bases[star], own[star]));
        for (int node = 0; node < side * side; node++) {
          double value = 0;
          for (int b = 0; b < 4; b++) {
            value += own[star][b][node] * solved[b];
          }
          for (int t = 0; t < terms; t++) {
            out[node * terms + t] -= bases[star][t] * value;
          }
        }
      }
    }
    for (int a = 0; a < shape.length; a++) {
      double sum = 0;
      double factor = vector[size + a];
      for (int i = 0; i < size; i++) {
        sum += cross[a][i] * vector[i];
        out[i] += cross[a][i] * factor;
      }
      for (int b = 0; b < shape.length; b++) {
        sum += shape[a][b] * vector[size + b];
      }
      out[size + a] = sum;
    }
    return out;
  }

  private double[] conjugateGradients(
      double[] matrix,
      double[] lower,
      double[][] cross,
      double[][] shape,
      double[][] shapeInverse,
      double[] right,
      double[] shapeGradient,
      StarSystem[] systems,
      double[][] bases,
      double[][][] own) {
    int count = shapeGradient.length;
    double[] solution = new double[size + count];
    double[] rest = new double[size + count];
    System.arraycopy(right, 0, rest, 0, size);
    System.arraycopy(shapeGradient, 0, rest, size, count);
    double[] way = null;
    double before = 0;
    double first = 0;
    for (int iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
      double[] solved = new double[size + count];
      System.arraycopy(rest, 0, solved, 0, size);
      solveFactored(lower, solved);
      for (int a = 0; a < count; a++) {
        for (int b = 0; b < count; b++) {
          solved[size + a] += shapeInverse[a][b] * rest[size + b];
        }
      }
      double gain = dot(rest, solved);
      if (iteration == 0) {
        first = gain;
      }
      if (!(gain > ACCURACY * first)) {
        return solution;
      }
      if (way == null) {
        way = solved;
      } else {
        for (int i = 0; i < way.length; i++) {
          way[i] = solved[i] + gain / before * way[i];
        }
      }
      before = gain;
      double[] product = product(matrix, cross, shape, way, systems, bases, own);
      double length = gain / dot(way, product);
      for (int i = 0; i < way.length; i++) {
        solution[i] += length * way[i];
        rest[i] -= length * product[i];
      }
    }
    return solution;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /**
   * Makes the sums equal of all sets of nodes that the pixels of a star may fall on: a star's flux
   * is the same wherever in a pixel it lies.
   */
  private void equalise(double[] coefficients) {
    int phases = steps * steps;
    for (int t = 0; t < terms; t++) {
      double[] sum = new double[phases];
      double[] all = new double[phases];
      double mean = 0;
      for (int n = 0; n < side * side; n++) {
        int phase = n / side % steps * steps + n % side % steps;
        sum[phase] += coefficients[n * terms + t];
        all[phase] += light[n];
        mean += coefficients[n * terms + t] / phases;
      }
      for (int n = 0; n < side * side; n++) {
        int phase = n / side % steps * steps + n % side % steps;
        coefficients[n * terms + t] += (mean - sum[phase]) / all[phase] * light[n];
      }
    }
  }
}

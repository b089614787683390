package org.starmill.psf;

import java.util.Arrays;

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

  /** Stars whose matrices are held beside each other. */
  private static final int STARS_AT_ONCE = 16;

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

  /** Of this step: which stars, and the nodes' normal matrix. */
  private boolean[] chosen;

  private double[] matrix;

  /** Products of the shape's coefficients (row) with the nodes'. */
  private double[][] cross;

  private double[][] shapeMatrix;
  private double[][] shapeInverse;

  /** Of each star: the terms at its place, products of its own unknowns with the nodes, inverse. */
  private double[][] bases;

  private double[][][] own;
  private double[][][] ownInverse;

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
    int count = shapeGradient.length;
    double[] now = psf.residual() == null ? new double[size] : psf.residual().coefficients();
    double[] precision = prior(amplitude);
    setMatrices(psf, stars, kernel, systems, used, shape, orders, precision);
    double[] right = times(precision, now);
    for (int i = 0; i < size; i++) {
      right[i] = -right[i];
    }
    addGradient(right, kernel, systems);
    double[] step = conjugateGradients(right, shapeGradient);
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
    double[][] ownSteps = new double[stars.count()][];
    double[] byTerm = byTerm(step);
    double[] values = new double[side * side];
    for (int star = 0; star < ownSteps.length; star++) {
      if (chosen[star]) {
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
        double[] of = ownOf(byTerm, star, values);
        for (int b = 0; b < 4; b++) {
          gradient[b] -= of[b];
        }
        ownSteps[star] = DenseMatrix.times(ownInverse[star], gradient);
      }
    }
    return new Step(coefficients, shapeStep, ownSteps);
  }

  private void setMatrices(
      Psf psf,
      PsfStars stars,
      PsfNormalKernel kernel,
      StarSystem[] systems,
      boolean[] used,
      double[][] shape,
      int[] orders,
      double[] precision) {
    int n = stars.count();
    int nodes = side * side;
    int longest = terms;
    int count = 0;
    for (int order : orders) {
      longest = Math.max(longest, order);
      count += order;
    }
    chosen = used.clone();
    bases = new double[n][];
    own = new double[n][][];
    ownInverse = new double[n][][];
    double[][] crossByTerm = new double[count][size];
    double[] reduced = new double[nodes];
    for (int star = 0; star < n; star++) {
      if (!chosen[star]) {
        continue;
      }
      double[] basis = new double[longest];
      psf.basis(stars.x(star), stars.y(star), Psf.order(longest), basis);
      bases[star] = basis;
      StarSystem system = systems[star];
      ownInverse[star] = system.ownInverse;
      own[star] = new double[4][nodes];
      int from = kernel.gridOf[star] * nodes * kernel.gridColumns;
      for (int b = 0; b < 4; b++) {
        for (int node = 0; node < nodes; node++) {
          own[star][b][node] = kernel.grid[from + node * kernel.gridColumns + b];
        }
      }
      int column = 0;
      for (int a = 0; a < orders.length; a++) {
        double[] response = DenseMatrix.times(system.ownInverse, system.cross[a]);
        for (int node = 0; node < nodes; node++) {
          int g = from + node * kernel.gridColumns;
          double value = 0;
          for (int m = 0; m < 4; m++) {
            value += system.chain[m][a] * kernel.grid[g + 4 + m] - kernel.grid[g + m] * response[m];
          }
          reduced[node] = value;
        }
        for (int i = 0; i < orders[a]; i++) {
          for (int t = 0; t < terms; t++) {
            add(reduced, 0, basis[i] * basis[t], crossByTerm[column], t * nodes, nodes);
          }
          column++;
        }
      }
    }
    cross = new double[count][size];
    for (int column = 0; column < count; column++) {
      for (int node = 0; node < nodes; node++) {
        for (int t = 0; t < terms; t++) {
          cross[column][node * terms + t] = crossByTerm[column][t * nodes + node];
        }
      }
    }
    matrix = precision.clone();
    addStars(kernel);
    if (lower == null) {
      lower = matrix.clone();
      factor(lower);
    }
    shapeMatrix = shape;
    shapeInverse = DenseMatrix.inverseOfPositive(shape);
  }

  private static void add(
      double[] values, int from, double factor, double[] sum, int at, int count) {
    for (int i = 0; i < count; i++) {
      sum[at + i] += factor * values[from + i];
    }
  }

  private void addGradient(double[] right, PsfNormalKernel kernel, StarSystem[] systems) {
    int nodes = side * side;
    for (int star = 0; star < bases.length; star++) {
      if (!chosen[star]) {
        continue;
      }
      double[] response = DenseMatrix.times(ownInverse[star], systems[star].ownGradient);
      int from = kernel.gridOf[star] * nodes * kernel.gridColumns;
      for (int node = 0; node < nodes; node++) {
        double value = kernel.grid[from + node * kernel.gridColumns + 8];
        for (int m = 0; m < 4; m++) {
          value -= own[star][m][node] * response[m];
        }
        for (int t = 0; t < terms; t++) {
          right[node * terms + t] += bases[star][t] * value;
        }
      }
    }
  }

  /**
   * Adds the nodes' normal matrices of all stars, some stars at a time: a star has one of a single
   * term, which counts for each pair of terms with their product at its place.
   */
  private void addStars(PsfNormalKernel kernel) {
    int nodes = side * side;
    int width = 3 * side + 4;
    double[][] single = new double[STARS_AT_ONCE][];
    int[] batch = new int[STARS_AT_ONCE];
    double[] row = new double[width];
    int star = 0;
    while (star < chosen.length) {
      int held = 0;
      for (; star < chosen.length && held < STARS_AT_ONCE; star++) {
        if (chosen[star]) {
          if (single[held] == null) {
            single[held] = new double[nodes * width];
          }
          setSingle(single[held], kernel, star);
          batch[held++] = star;
        }
      }
      for (int node = 0; node < nodes; node++) {
        int first = Math.max(0, node - width + 1);
        int shift = width - 1 - node;
        for (int s = 0; s < terms; s++) {
          // What two terms share is the same either way round.
          for (int t = 0; t <= s; t++) {
            Arrays.fill(row, 0);
            for (int k = 0; k < held; k++) {
              double product = bases[batch[k]][s] * bases[batch[k]][t];
              add(single[k], node * width, product, row, 0, width);
            }
            addRow(node, s, t, first, shift, row);
            if (t < s) {
              addRow(node, t, s, first, shift, row);
            }
          }
        }
      }
    }
  }

  private void addRow(int node, int s, int t, int first, int shift, double[] row) {
    int index = node * terms + s;
    int at = index * (band + 1) + band - index;
    for (int other = first; other <= node; other++) {
      int column = other * terms + t;
      if (column <= index) {
        matrix[at + column] += row[other + shift];
      }
    }
  }

  /** One star's normal matrix, banded: its pixels share the 16 weights of their nodes. */
  private void setSingle(double[] single, PsfNormalKernel kernel, int star) {
    Arrays.fill(single, 0);
    int width = 3 * side + 4;
    double tx = reach - (double) steps * kernel.offsetX[star];
    double ty = reach - (double) steps * kernel.offsetY[star];
    int ix = (int) Math.floor(tx);
    int iy = (int) Math.floor(ty);
    double[] wx = PsfResidual.weights(tx - ix);
    double[] wy = PsfResidual.weights(ty - iy);
    int stampRadius = kernel.stampRadius;
    int stampSide = 2 * stampRadius + 1;
    double square = (double) kernel.flux[star] * kernel.flux[star];
    int radius = Math.min(stampRadius, (reach + 2) / steps + 1);
    for (int py = -radius; py <= radius; py++) {
      int top = steps * py + iy - 1;
      for (int px = -radius; px <= radius; px++) {
        int pixel = (star * stampSide + py + stampRadius) * kernel.stride + px + stampRadius;
        double weight = square * kernel.weights[pixel];
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
            int at = node * width + width - 1 - node;
            for (int jj = firstRow; jj <= j; jj++) {
              double two = one * wy[jj - top];
              int end = jj == j ? i : last;
              for (int ii = first; ii <= end; ii++) {
                single[at + jj * side + ii] += two * wx[ii - left];
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

  /** The nodes' unknowns with those of a term side by side. */
  private double[] byTerm(double[] vector) {
    int nodes = side * side;
    double[] ordered = new double[size];
    for (int node = 0; node < nodes; node++) {
      for (int t = 0; t < terms; t++) {
        ordered[t * nodes + node] = vector[node * terms + t];
      }
    }
    return ordered;
  }

  /** What a change of the nodes pulls of a star's own unknowns. */
  private double[] ownOf(double[] byTerm, int star, double[] values) {
    int nodes = side * side;
    Arrays.fill(values, 0);
    for (int t = 0; t < terms; t++) {
      add(byTerm, t * nodes, bases[star][t], values, 0, nodes);
    }
    double[] ownX = own[star][0];
    double[] ownY = own[star][1];
    double[] ownFlux = own[star][2];
    double[] ownSky = own[star][3];
    double x = 0;
    double y = 0;
    double flux = 0;
    double sky = 0;
    for (int node = 0; node < nodes; node++) {
      x += ownX[node] * values[node];
      y += ownY[node] * values[node];
      flux += ownFlux[node] * values[node];
      sky += ownSky[node] * values[node];
    }
    return new double[] {x, y, flux, sky};
  }

  private double[] product(double[] vector) {
    int nodes = side * side;
    double[] out = times(matrix, vector);
    double[] byTerm = byTerm(vector);
    double[] taken = new double[size];
    double[] values = new double[nodes];
    for (int star = 0; star < bases.length; star++) {
      if (chosen[star]) {
        double[] solved = DenseMatrix.times(ownInverse[star], ownOf(byTerm, star, values));
        Arrays.fill(values, 0);
        for (int b = 0; b < 4; b++) {
          add(own[star][b], 0, solved[b], values, 0, nodes);
        }
        for (int t = 0; t < terms; t++) {
          add(values, 0, bases[star][t], taken, t * nodes, nodes);
        }
      }
    }
    for (int node = 0; node < nodes; node++) {
      for (int t = 0; t < terms; t++) {
        out[node * terms + t] -= taken[t * nodes + node];
      }
    }
    for (int a = 0; a < shapeMatrix.length; a++) {
      double sum = 0;
      double factor = vector[size + a];
      for (int i = 0; i < size; i++) {
        sum += cross[a][i] * vector[i];
        out[i] += cross[a][i] * factor;
      }
      for (int b = 0; b < shapeMatrix.length; b++) {
        sum += shapeMatrix[a][b] * vector[size + b];
      }
      out[size + a] = sum;
    }
    return out;
  }

  private double[] conjugateGradients(double[] right, double[] shapeGradient) {
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
      double[] product = product(way);
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

package org.starmill.psf;

/**
 * The normal system of one PSF star by its shape, without the star's own x, y, flux and sky.
 *
 * <p>With H and g the normal matrix and gradient by (own; shape), the own unknowns are eliminated:
 * matrix S = H_ss - H_so H_oo^-1 H_os and gradient g_s - H_so H_oo^-1 g_o (Schur complement). Many
 * stars' systems can then be summed, however many stars there are; {@link #ownStep} goes the way
 * back. The shape is (ln FWHM, e1, e2, beta), chained from the form that the kernel differentiates
 * by.
 */
final class StarSystem {
  private static final int FEWEST_PIXELS = 12;

  /** 4 x 4 matrix and gradient by the shape; null where the star's pixels do not determine it. */
  final double[][] matrix;

  final double[] gradient;

  /** Of all pixels, clipped as {@link PsfNormalKernel} says, and their number. */
  final double chi2;

  final double pixels;

  /**
   * What the star alone would change of ln FWHM, e1, e2 with beta held; null as the matrix is, or
   * where it is singular.
   */
  final double[] ownShape;

  /** Inverse of the 4 x 4 matrix by x, y, flux and sky; null where it is singular. */
  final double[][] ownInverse;

  /** By a quantity of the shape (row) and one of the star's own. */
  final double[][] cross;

  final double[] ownGradient;

  /** Derivatives of the form by the shape. */
  final double[][] chain;

  /**
   * Makes the system of a star.
   *
   * @param sums what {@link PsfNormalKernel} gave
   * @param from where the star's own start
   * @param chain derivatives of the form by the shape, from {@link Psf#formByShape}
   * @param sky that the star has now, above the sky of the image
   * @param skyPrecision 1 / variance with which it is known beforehand to be 0
   */
  StarSystem(float[] sums, int from, double[][] chain, double sky, double skyPrecision) {
    this.chain = chain;
    double[][] h = new double[8][8];
    int k = from;
    for (int a = 0; a < 8; a++) {
      for (int b = 0; b <= a; b++) {
        h[a][b] = sums[k];
        h[b][a] = sums[k];
        k++;
      }
    }
    chi2 = sums[from + 44];
    pixels = sums[from + 45];
    double[][] own = new double[4][4];
    double[][] shape = new double[4][4];
    double[] shapeGradient = new double[4];
    cross = new double[4][4];
    ownGradient = new double[4];
    for (int a = 0; a < 4; a++) {
      ownGradient[a] = sums[from + 36 + a];
      for (int b = 0; b < 4; b++) {
        own[a][b] = h[a][b];
        for (int m = 0; m < 4; m++) {
          // Row: a parameter of the shape; column: one of the star's own.
          cross[a][b] += chain[m][a] * h[4 + m][b];
          for (int l = 0; l < 4; l++) {
            shape[a][b] += chain[m][a] * h[4 + m][4 + l] * chain[l][b];
          }
        }
      }
      for (int m = 0; m < 4; m++) {
        shapeGradient[a] += chain[m][a] * sums[from + 40 + m];
      }
    }
    own[3][3] += skyPrecision;
    ownGradient[3] -= skyPrecision * sky;
    ownInverse = pixels < FEWEST_PIXELS ? null : DenseMatrix.inverseOfPositive(own);
    if (ownInverse == null) {
      matrix = null;
      gradient = null;
      ownShape = null;
      return;
    }
    matrix = new double[4][4];
    gradient = new double[4];
    double[] solved = DenseMatrix.times(ownInverse, ownGradient);
    for (int a = 0; a < 4; a++) {
      double[] row = DenseMatrix.times(ownInverse, cross[a]);
      for (int b = 0; b < 4; b++) {
        matrix[a][b] = shape[a][b];
        for (int m = 0; m < 4; m++) {
          matrix[a][b] -= row[m] * cross[b][m];
        }
      }
      gradient[a] = shapeGradient[a];
      for (int m = 0; m < 4; m++) {
        gradient[a] -= cross[a][m] * solved[m];
      }
    }
    ownShape = stepWithBetaHeld();
  }

  private double[] stepWithBetaHeld() {
    double[][] three = new double[3][3];
    double[] right = new double[3];
    for (int a = 0; a < 3; a++) {
      right[a] = gradient[a];
      System.arraycopy(matrix[a], 0, three[a], 0, 3);
    }
    double[][] inverse = DenseMatrix.inverseOfPositive(three);
    return inverse == null ? null : DenseMatrix.times(inverse, right);
  }

  /** Whether the star's pixels determine its shape. */
  boolean isRegular() {
    return ownShape != null;
  }

  /** One standard deviation of ln FWHM (0), e1 (1) or e2 (2), the others held. */
  double errorOf(int quantity) {
    return 1 / Math.sqrt(Math.max(matrix[quantity][quantity], 1e-30));
  }

  /** Chi squared after the step of the star's own unknowns, the shape held. */
  double chi2AfterOwnStep() {
    double[] solved = DenseMatrix.times(ownInverse, ownGradient);
    double sum = chi2;
    for (int i = 0; i < 4; i++) {
      sum -= ownGradient[i] * solved[i];
    }
    return sum;
  }

  /** Logarithm of the reduced chi squared. */
  double logChi2() {
    return Math.log(Math.max(1e-3, chi2 / Math.max(1, pixels - 8)));
  }

  /** The step of x, y, flux and sky that goes with a step of the shape; null where singular. */
  double[] ownStep(double[] shapeStep) {
    if (ownInverse == null) {
      return null;
    }
    double[] right = new double[4];
    for (int i = 0; i < 4; i++) {
      right[i] = ownGradient[i];
      for (int j = 0; j < 4; j++) {
        right[i] -= cross[j][i] * shapeStep[j];
      }
    }
    return DenseMatrix.times(ownInverse, right);
  }
}

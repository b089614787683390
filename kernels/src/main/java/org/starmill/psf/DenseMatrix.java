package org.starmill.psf;

/** Solves the small positive definite systems of the PSF fit by Cholesky's decomposition. */
final class DenseMatrix {
  private DenseMatrix() {}

  /** Product of a matrix and a vector. */
  static double[] times(double[][] matrix, double[] vector) {
    double[] product = new double[matrix.length];
    for (int i = 0; i < matrix.length; i++) {
      for (int j = 0; j < vector.length; j++) {
        product[i] += matrix[i][j] * vector[j];
      }
    }
    return product;
  }

  /** Inverse of a symmetric positive definite matrix; null where it is not that. */
  static double[][] inverseOfPositive(double[][] matrix) {
    int n = matrix.length;
    // Scaled to a unit diagonal first: fluxes of 1e6 stand beside ellipticities of 1e-3.
    double[] scale = new double[n];
    for (int i = 0; i < n; i++) {
      if (!(matrix[i][i] > 0)) {
        return null;
      }
      scale[i] = 1 / Math.sqrt(matrix[i][i]);
    }
    double[][] lower = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = matrix[i][j] * scale[i] * scale[j];
        for (int k = 0; k < j; k++) {
          sum -= lower[i][k] * lower[j][k];
        }
        if (i == j) {
          if (!(sum > 1e-13)) {
            return null;
          }
          lower[i][i] = Math.sqrt(sum);
        } else {
          lower[i][j] = sum / lower[j][j];
        }
      }
    }
    double[][] inverse = new double[n][n];
    for (int column = 0; column < n; column++) {
      double[] x = new double[n];
      for (int i = 0; i < n; i++) {
        double sum = i == column ? 1 : 0;
        for (int k = 0; k < i; k++) {
          sum -= lower[i][k] * x[k];
        }
        x[i] = sum / lower[i][i];
      }
      for (int i = n - 1; i >= 0; i--) {
        double sum = x[i];
        for (int k = i + 1; k < n; k++) {
          sum -= lower[k][i] * x[k];
        }
        x[i] = sum / lower[i][i];
      }
      for (int i = 0; i < n; i++) {
        inverse[i][column] = x[i] * scale[i] * scale[column];
      }
    }
    return inverse;
  }
}

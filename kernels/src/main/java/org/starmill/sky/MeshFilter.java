package org.starmill.sky;

import java.util.Arrays;

/**
 * Filters a mesh by the median of each box and its neighbours.
 *
 * <p>A surface of second order is fitted to the mesh first, without boxes off by more than three
 * standard deviations, and the median is taken of what it leaves: on a steep sky the median of a
 * window would else be that of the gradient, and at the edge, where the window is cut, be off by
 * half a box's worth of it.
 */
final class MeshFilter {
  private static final int TERMS = 6;

  private final int columns;
  private final int rows;
  private final int reach;
  private final int terms;

  /**
   * @param side of the window, boxes, odd
   */
  MeshFilter(int columns, int rows, int side) {
    this.columns = columns;
    this.rows = rows;
    this.reach = side / 2;
    int least = Math.min(columns, rows);
    this.terms = least >= 4 ? TERMS : least >= 2 && columns * rows >= 9 ? 3 : 1;
  }

  float[] filtered(float[] mesh) {
    if (reach == 0) {
      return mesh;
    }
    double[] surface = surface(mesh);
    float[] result = new float[mesh.length];
    float[] around = new float[(2 * reach + 1) * (2 * reach + 1)];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        int count = 0;
        for (int v = Math.max(0, row - reach); v <= Math.min(rows - 1, row + reach); v++) {
          for (int u = Math.max(0, column - reach);
              u <= Math.min(columns - 1, column + reach);
              u++) {
            around[count++] = (float) (mesh[v * columns + u] - surface[v * columns + u]);
          }
        }
        int box = row * columns + column;
        result[box] = (float) (surface[box] + median(around, count));
      }
    }
    return result;
  }

  private double[] surface(float[] mesh) {
    double[] surface = new double[mesh.length];
    float[] sizes = new float[mesh.length];
    double[] bases = new double[mesh.length * TERMS];
    for (int i = 0; i < mesh.length; i++) {
      System.arraycopy(basis(i), 0, bases, i * TERMS, TERMS);
    }
    double limit = Double.POSITIVE_INFINITY;
    for (int pass = 0; pass < 4; pass++) {
      double[][] normal = new double[terms][terms + 1];
      for (int i = 0; i < mesh.length; i++) {
        if (Math.abs(mesh[i] - surface[i]) <= limit) {
          int b = i * TERMS;
          for (int j = 0; j < terms; j++) {
            for (int k = 0; k < terms; k++) {
              normal[j][k] += bases[b + j] * bases[b + k];
            }
            normal[j][terms] += bases[b + j] * mesh[i];
          }
        }
      }
      double[] coefficients = solve(normal);
      for (int i = 0; i < mesh.length; i++) {
        surface[i] = 0;
        for (int j = 0; j < terms; j++) {
          surface[i] += coefficients[j] * bases[i * TERMS + j];
        }
        sizes[i] = (float) Math.abs(mesh[i] - surface[i]);
      }
      // Never fewer than three quarters of the boxes: the surface stays well determined.
      float[] sorted = sizes.clone();
      Arrays.sort(sorted);
      limit = Math.max(3 * 1.4826 * sorted[sorted.length / 2], sorted[3 * sorted.length / 4]);
    }
    return surface;
  }

  private double[] basis(int box) {
    double u = columns == 1 ? 0 : 2.0 * (box % columns) / (columns - 1) - 1;
    double v = rows == 1 ? 0 : 2.0 * (box / columns) / (rows - 1) - 1;
    return new double[] {1, u, v, u * u, u * v, v * v};
  }

  /** Solves the normal equations, with their right side in the last column (Gauss, pivoted). */
  private static double[] solve(double[][] equations) {
    int n = equations.length;
    for (int j = 0; j < n; j++) {
      int pivot = j;
      for (int i = j + 1; i < n; i++) {
        pivot = Math.abs(equations[i][j]) > Math.abs(equations[pivot][j]) ? i : pivot;
      }
      double[] swap = equations[j];
      equations[j] = equations[pivot];
      equations[pivot] = swap;
      for (int i = 0; i < n; i++) {
        // A term that the mesh does not determine is left out.
        if (i != j && Math.abs(equations[j][j]) > 1e-9) {
          double factor = equations[i][j] / equations[j][j];
          for (int k = j; k <= n; k++) {
            equations[i][k] -= factor * equations[j][k];
          }
        }
      }
    }
    double[] solution = new double[n];
    for (int j = 0; j < n; j++) {
      double diagonal = equations[j][j];
      solution[j] = Math.abs(diagonal) > 1e-9 ? equations[j][n] / diagonal : 0;
    }
    return solution;
  }

  private static float median(float[] values, int count) {
    Arrays.sort(values, 0, count);
    return 0.5f * (values[(count - 1) / 2] + values[count / 2]);
  }
}

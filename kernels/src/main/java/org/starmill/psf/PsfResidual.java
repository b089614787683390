package org.starmill.psf;

/**
 * What a star's light differs by from the analytic profile: a grid of residuals that varies over
 * the field.
 *
 * <p>The grid's nodes lie 1/m pixel apart about the star's centre; a node's value is the residual
 * integrated over a pixel centred there, in units of the star's flux, and a polynomial in u and v
 * of {@link Psf}. Between nodes it is interpolated by cubic convolution (Keys 1981, IEEE Trans.
 * ASSP 29, 1153, with a = -1/2), which needs 4 x 4 nodes; beyond the grid it is 0. Profile and grid
 * are scaled together so that their sum over the plane is 1. All pixels of a star lie alike between
 * nodes and share their weights. Kernels read tables, one for each of some cells of the field, in
 * which nodes m apart are neighbours: pixels of a row stand side by side. Immutable.
 */
final class PsfResidual {
  /** Nodes of 0 about the grid: interpolation reaches two beyond its last. */
  static final int PAD = 3;

  /** Places of 0 behind a row: as many as the widest vector has lanes. */
  static final int SPARE = 16;

  private static final int CELLS = 8;

  private final int steps;
  private final int reach;
  private final int terms;
  private final double[] coefficients;
  private final int cells;
  private final float[] table;

  /** Of each cell 1 / (1 + the grid's sum). */
  private final double[] scale;

  /**
   * Makes a grid of residuals.
   *
   * @param steps nodes a pixel, m
   * @param reach nodes from the middle one to the last
   * @param terms of the polynomial over the field: 1, 3, 6
   * @param coefficients of all nodes, row by row, the terms of a node side by side
   * @param psf whose field it is
   */
  PsfResidual(int steps, int reach, int terms, double[] coefficients, Psf psf) {
    this.steps = steps;
    this.reach = reach;
    this.terms = terms;
    this.coefficients = coefficients;
    cells = terms == 1 ? 1 : CELLS;
    int each = tableSize(steps, reach);
    // A vector read at the last place must not leave the array.
    table = new float[cells * cells * each + SPARE];
    scale = new double[cells * cells];
    double[] basis = new double[terms];
    int side = 2 * reach + 1;
    int columns = columns(steps, reach);
    for (int cell = 0; cell < cells * cells; cell++) {
      double x = (cell % cells + 0.5) / cells * psf.width() - 0.5;
      double y = (cell / cells + 0.5) / cells * psf.height() - 0.5;
      psf.basis(x, y, Psf.order(terms), basis);
      double sum = 0;
      for (int k = 0; k < coefficients.length; k++) {
        sum += basis[k % terms] * coefficients[k];
      }
      scale[cell] = 1 / (1 + sum / (steps * steps));
      for (int j = 0; j < side; j++) {
        for (int i = 0; i < side; i++) {
          double value = 0;
          for (int t = 0; t < terms; t++) {
            value += basis[t] * coefficients[(j * side + i) * terms + t];
          }
          int row = j + PAD;
          int column = i + PAD;
          int phase = row % steps * steps + column % steps;
          table[
                  cell * each
                      + (phase * columns + row / steps) * rowLength(steps, reach)
                      + column / steps] =
              (float) (scale[cell] * value);
        }
      }
    }
  }

  /** Nodes m apart that a row or column of the padded grid has. */
  private static int columns(int steps, int reach) {
    return (2 * reach + 1 + 2 * PAD + 1 + steps - 1) / steps;
  }

  static int rowLength(int steps, int reach) {
    return columns(steps, reach) + SPARE;
  }

  static int tableSize(int steps, int reach) {
    return steps * steps * columns(steps, reach) * rowLength(steps, reach);
  }

  static int rows(int steps, int reach) {
    return columns(steps, reach);
  }

  /** Nodes a pixel. */
  int steps() {
    return steps;
  }

  /** Nodes from the middle one to the last. */
  int reach() {
    return reach;
  }

  int terms() {
    return terms;
  }

  double[] coefficients() {
    return coefficients.clone();
  }

  float[] table() {
    return table;
  }

  /** Number of the table for a star at a position, from 1 on. */
  int tableAt(Psf psf, double x, double y) {
    int column = (int) Math.max(0, Math.min(cells - 1, (x + 0.5) / psf.width() * cells));
    int row = (int) Math.max(0, Math.min(cells - 1, (y + 0.5) / psf.height() * cells));
    return 1 + row * cells + column;
  }

  /** What profile and grid are multiplied by there, so that their sum is 1. */
  double scaleAt(Psf psf, double x, double y) {
    return scale[tableAt(psf, x, y) - 1];
  }

  /** Keys's weights of the four nodes about a place, a share from 0 to 1 beyond the second. */
  static double[] weights(double share) {
    double f = share;
    return new double[] {
      f * (-0.5 + f * (1 - 0.5 * f)),
      1 + f * f * (1.5 * f - 2.5),
      f * (0.5 + f * (2 - 1.5 * f)),
      f * f * (0.5 * f - 0.5)
    };
  }
}

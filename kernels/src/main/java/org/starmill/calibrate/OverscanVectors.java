package org.starmill.calibrate;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Finds the medians of many rows by the Vector API, a row a lane: those that sorting each gives.
 */
final class OverscanVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = ColumnSort.LANES;

  private OverscanVectors() {}

  /**
   * The median of each row.
   *
   * @param values row by row, without NaN, {@code width} a row
   */
  static void medians(float[] values, int width, int rows, float[] medians) {
    float[] columns = new float[width * LANES];
    int[] places = new int[LANES];
    float[] found = new float[LANES];
    ColumnSort network = new ColumnSort(width);
    for (int row = 0; row < rows; row += LANES) {
      int lanes = Math.min(LANES, rows - row);
      for (int lane = 0; lane < LANES; lane++) {
        places[lane] = Math.min(lane, lanes - 1) * width;
      }
      turn(values, row * width, places, columns);
      network.sort(columns);
      FloatVector.fromArray(FLOATS, columns, (width - 1) / 2 * LANES)
          .add(FloatVector.fromArray(FLOATS, columns, width / 2 * LANES))
          .mul(0.5f)
          .intoArray(found, 0);
      System.arraycopy(found, 0, medians, row, lanes);
    }
  }

  private static void turn(float[] values, int from, int[] places, float[] columns) {
    for (int x = 0, i = 0; i < columns.length; x++, i += LANES) {
      FloatVector.fromArray(FLOATS, values, from + x, places, 0).intoArray(columns, i);
    }
  }
}

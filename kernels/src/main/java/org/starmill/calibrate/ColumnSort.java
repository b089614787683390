package org.starmill.calibrate;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sorts short columns of numbers, as many side by side as a vector has lanes, by Batcher's odd-even
 * merge network (Batcher 1968, AFIPS 32, 307): the same exchanges whatever the numbers are.
 */
final class ColumnSort {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

  /** Columns sorted at once. */
  static final int LANES = FLOATS.length();

  private final int[] exchanges;

  /**
   * Makes the network.
   *
   * @param length of the columns
   */
  ColumnSort(int length) {
    int[] pairs = new int[64];
    int count = 0;
    for (int run = 1; run < length; run *= 2) {
      for (int apart = run; apart >= 1; apart /= 2) {
        for (int start = apart % run; start + apart < length; start += 2 * apart) {
          for (int i = start; i < Math.min(start + apart, length - apart); i++) {
            if (i / (2 * run) == (i + apart) / (2 * run)) {
              if (count == pairs.length) {
                pairs = Arrays.copyOf(pairs, 2 * count);
              }
              pairs[count++] = i * LANES;
              pairs[count++] = (i + apart) * LANES;
            }
          }
        }
      }
    }
    exchanges = Arrays.copyOf(pairs, count);
  }

  /**
   * Sorts.
   *
   * @param values row by row, {@link #LANES} a row, without NaN
   */
  void sort(float[] values) {
    int[] pairs = exchanges;
    for (int i = 0; i < pairs.length; i += 2) {
      FloatVector a = FloatVector.fromArray(FLOATS, values, pairs[i]);
      FloatVector b = FloatVector.fromArray(FLOATS, values, pairs[i + 1]);
      a.min(b).intoArray(values, pairs[i]);
      a.max(b).intoArray(values, pairs[i + 1]);
    }
  }
}

package org.starmill.detect;

import java.util.Arrays;

/**
 * Places where a star seems to be, in the order of rows.
 *
 * @param x column, pixels, refined below a pixel
 * @param y row
 * @param flux electrons, what the matched filter makes of it
 * @param significance flux over its standard deviation
 */
public record Peaks(float[] x, float[] y, float[] flux, float[] significance) {
  /** Number of peaks. */
  public int count() {
    return x.length;
  }

  /** Numbers of the peaks, the most significant first; of equals the earlier one. */
  public int[] brightestFirst() {
    long[] keys = new long[count()];
    for (int k = 0; k < keys.length; k++) {
      // The bits of positive floats are in the order of the floats.
      keys[k] = (long) (Integer.MAX_VALUE - Float.floatToIntBits(significance[k])) << 32 | k;
    }
    Arrays.sort(keys);
    return Arrays.stream(keys).mapToInt(key -> (int) key).toArray();
  }
}

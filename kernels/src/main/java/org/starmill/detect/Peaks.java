package org.starmill.detect;

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
}

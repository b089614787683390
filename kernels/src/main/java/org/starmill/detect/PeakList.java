package org.starmill.detect;

import java.util.Arrays;

/** Peaks on their way to a {@link Peaks}: four arrays that grow. */
final class PeakList {
  private float[] x = new float[256];
  private float[] y = new float[256];
  private float[] flux = new float[256];
  private float[] significance = new float[256];
  private int count;

  /**
   * Adds a pixel that is a peak.
   *
   * @param column of the pixel
   * @param row of the pixel
   * @param offsetX of the top against the pixel's centre
   * @param offsetY the same in y
   * @param value its significance
   * @param information of the flux there, 1 / variance
   */
  void add(int column, int row, float offsetX, float offsetY, float value, float information) {
    if (count == x.length) {
      x = Arrays.copyOf(x, 2 * count);
      y = Arrays.copyOf(y, 2 * count);
      flux = Arrays.copyOf(flux, 2 * count);
      significance = Arrays.copyOf(significance, 2 * count);
    }
    x[count] = column + offsetX;
    y[count] = row + offsetY;
    flux[count] = value / (float) Math.sqrt(information);
    significance[count] = value;
    count++;
  }

  /** Joins lists in their order. */
  static Peaks join(Iterable<PeakList> lists) {
    int total = 0;
    for (PeakList list : lists) {
      total += list.count;
    }
    Peaks peaks = new Peaks(new float[total], new float[total], new float[total], new float[total]);
    int at = 0;
    for (PeakList list : lists) {
      System.arraycopy(list.x, 0, peaks.x(), at, list.count);
      System.arraycopy(list.y, 0, peaks.y(), at, list.count);
      System.arraycopy(list.flux, 0, peaks.flux(), at, list.count);
      System.arraycopy(list.significance, 0, peaks.significance(), at, list.count);
      at += list.count;
    }
    return peaks;
  }

  /** Where the parabola through three equidistant values has its top, from -0.5 to 0.5. */
  static float vertex(float left, float middle, float right) {
    float curvature = 2 * middle - left - right;
    if (!(curvature > 0)) {
      return 0f;
    }
    return Math.max(-0.5f, Math.min(0.5f, 0.5f * (right - left) / curvature));
  }
}

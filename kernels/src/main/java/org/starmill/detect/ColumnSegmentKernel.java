package org.starmill.detect;

import org.starmill.device.ItemKernel;

/**
 * How far the columns stand off from those beside them, in one segment of rows.
 *
 * <p>Of each usable pixel the median of its four neighbours two and three columns away is
 * subtracted; a column's differences, cut off at a limit on both sides, are summed over the rows. A
 * neighbour that must not be used or lies beyond the image gives way to the pixel itself, which
 * makes the difference smaller, never larger.
 */
final class ColumnSegmentKernel extends ItemKernel {
  /** How many columns away the farthest neighbour is. */
  static final int REACH = 3;

  int width;
  int height;
  int segments;

  /** Electrons; a single difference counts no more. */
  float limit;

  /** Electrons over the sky. */
  float[] image;

  /** Variance of the empty sky, 0 where a pixel must not be used. */
  float[] base;

  /** For each segment and column the sum of the differences and their number. */
  float[] sum;

  float[] used;

  @Override
  protected void vectorItems(int from, int to) {
    for (int segment = from; segment < to; segment++) {
      ColumnSegmentVectors.measure(this, segment);
    }
  }

  @Override
  public void item(int segment) {
    for (int x = 0; x < width; x++) {
      sum[segment * width + x] = 0f;
      used[segment * width + x] = 0f;
    }
    for (int y = firstRow(segment); y < firstRow(segment + 1); y++) {
      pixels(segment, y, 0, width);
    }
  }

  int firstRow(int segment) {
    return (int) ((long) segment * height / segments);
  }

  void pixels(int segment, int y, int from, int to) {
    for (int x = from; x < to; x++) {
      int i = y * width + x;
      if (base[i] > 0f) {
        float centre = image[i];
        float a = neighbour(x - 3, i - 3, centre);
        float b = neighbour(x - 2, i - 2, centre);
        float c = neighbour(x + 2, i + 2, centre);
        float d = neighbour(x + 3, i + 3, centre);
        float lower = max(min(a, b), min(c, d));
        float upper = min(max(a, b), max(c, d));
        float difference = centre - 0.5f * (lower + upper);
        sum[segment * width + x] += max(-limit, min(limit, difference));
        used[segment * width + x] += 1f;
      }
    }
  }

  private float neighbour(int x, int i, float centre) {
    float value = centre;
    if (x >= 0 && x < width) {
      if (base[i] > 0f) {
        value = image[i];
      }
    }
    return value;
  }
}

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

  /** Pixels of a row that are done side by side. */
  private static final int LANES = 16;

  int width;
  int height;
  int segments;

  /** 1 where an OpenCL compiler makes vectors of loops: {@link #LANES} pixels are done at once. */
  int sideBySide;

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
    int lanes = min(LANES, width);
    for (int y = firstRow(segment); y < firstRow(segment + 1); y++) {
      int x = 0;
      if (sideBySide == 1 && width >= LANES + 2 * REACH) {
        pixels(segment, y, 0, REACH);
        x = REACH;
        while (x + LANES + REACH <= width) {
          sideBySide(y * width + x - REACH, segment * width + x, lanes, limit);
          x += LANES;
        }
      }
      pixels(segment, y, x, width);
    }
  }

  /**
   * The same as {@link #pixels}, of pixels whose neighbours all are of the image.
   *
   * @param from the farthest neighbour of the first of them
   * @param to where its difference goes
   * @param lanes how many: {@link #LANES}
   * @param most what a difference counts at most
   */
  private void sideBySide(int from, int to, int lanes, float most) {
    float[] own = new float[LANES];
    float[] farLeft = new float[LANES];
    float[] left = new float[LANES];
    float[] right = new float[LANES];
    float[] farRight = new float[LANES];
    float[] ownBase = new float[LANES];
    float[] farLeftBase = new float[LANES];
    float[] leftBase = new float[LANES];
    float[] rightBase = new float[LANES];
    float[] farRightBase = new float[LANES];
    read(image, from, lanes, farLeft);
    read(image, from + 1, lanes, left);
    read(image, from + 3, lanes, own);
    read(image, from + 5, lanes, right);
    read(image, from + 6, lanes, farRight);
    read(base, from, lanes, farLeftBase);
    read(base, from + 1, lanes, leftBase);
    read(base, from + 3, lanes, ownBase);
    read(base, from + 5, lanes, rightBase);
    read(base, from + 6, lanes, farRightBase);
    for (int lane = 0; lane < LANES; lane++) {
      float centre = own[lane];
      float a = centre;
      float b = centre;
      float c = centre;
      float d = centre;
      if (farLeftBase[lane] > 0f) {
        a = farLeft[lane];
      }
      if (leftBase[lane] > 0f) {
        b = left[lane];
      }
      if (rightBase[lane] > 0f) {
        c = right[lane];
      }
      if (farRightBase[lane] > 0f) {
        d = farRight[lane];
      }
      float lower = max(min(a, b), min(c, d));
      float upper = min(max(a, b), max(c, d));
      float difference = max(-most, min(most, centre - 0.5f * (lower + upper)));
      float part = 0f;
      float one = 0f;
      if (ownBase[lane] > 0f) {
        part = difference;
        one = 1f;
      }
      own[lane] = part;
      ownBase[lane] = one;
    }
    for (int lane = 0; lane < LANES; lane++) {
      sum[to + lane] += own[lane];
    }
    for (int lane = 0; lane < LANES; lane++) {
      used[to + lane] += ownBase[lane];
    }
  }

  /**
   * Reads as many pixels as are wanted: were it a fixed number, reads that overlap would be one.
   */
  private void read(float[] plane, int from, int lanes, float[] into_$private$) {
    for (int lane = 0; lane < lanes; lane++) {
      into_$private$[lane] = plane[from + lane];
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

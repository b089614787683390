package org.starmill.calibrate;

import org.starmill.device.ItemKernel;

/**
 * Combines frames into one, an item a block of pixels, by a sigma-clipped mean.
 *
 * <p>A pixel whose values all lie within the clip of their mean is done at once: nearly all are.
 * The others are sorted; the first clip is about their median, with the larger of the expected
 * noise and of the pixel's own scatter (half the shortest interval that holds half of the values,
 * Rousseeuw and Leroy 1988), so that one bad value of three is found and a noisy pixel keeps its
 * values; later clips are about the mean of what was kept.
 */
final class CombineKernel extends ItemKernel {
  /** What is below this is a value; {@link TrimmedFrame#MISSING} and NaN are not. */
  static final float PRESENT = 1e29f;

  // Weight of the expected variance, in degrees of freedom, against a pixel's own.
  static final float PRIOR = 4f;

  /** A Gaussian's standard deviation, of the length of the shortest interval with half of it. */
  static final float SHORTEST_HALF = 0.7413f;

  /** The values of a strip of the frames, one frame after the other. */
  float[] stack;

  /**
   * The frames themselves, which the twin for the Vector API reads in place of the stack: an item
   * of it is a row.
   */
  TrimmedFrame[] inPlace;

  int frames;
  int pixels;
  int block;
  float clip;
  int iterations;
  float noise;
  int photons;
  @Output float[] level;
  @Output float[] error;
  @Output short[] used;

  @Override
  protected void vectorItems(int from, int to) {
    if (inPlace == null) {
      super.vectorItems(from, to);
    } else {
      new CombineVectors(this).combine(from, to);
    }
  }

  @Override
  public void item(int item) {
    float[] column = new float[64];
    int from = item * block;
    int to = from + block;
    if (to > pixels) {
      to = pixels;
    }
    for (int p = from; p < to; p++) {
      int count = 0;
      float shift = 0f;
      float sum = 0f;
      float squares = 0f;
      float lowest = 0f;
      float highest = 0f;
      for (int k = 0; k < frames; k++) {
        float v = stack[k * pixels + p];
        if (v < PRESENT) {
          if (count == 0) {
            shift = v;
          }
          float d = v - shift;
          count++;
          sum += d;
          squares += d * d;
          lowest = min(lowest, d);
          highest = max(highest, d);
        }
      }
      float mean = 0f;
      if (count > 0) {
        mean = sum / count;
      }
      squares = squares - sum * mean;
      float expected = noise;
      if (photons == 1) {
        expected = noise * sqrt(max(shift + mean, 0.01f));
      }
      float reach = clip * expected;
      if (highest - mean > reach || mean - lowest > reach) {
        count = 0;
        for (int k = 0; k < frames; k++) {
          float v = stack[k * pixels + p];
          if (v < PRESENT) {
            column[count] = v - shift;
            count++;
          }
        }
        for (int i = 1; i < count; i++) {
          float value = column[i];
          int j = i - 1;
          while (j >= 0 && column[max(j, 0)] > value) {
            column[j + 1] = column[j];
            j--;
          }
          column[j + 1] = value;
        }
        int most = count / 2 + 1;
        float shortest = column[count - 1] - column[0];
        for (int i = 0; i + most <= count; i++) {
          shortest = min(shortest, column[i + most - 1] - column[i]);
        }
        float centre = 0.5f * (column[(count - 1) / 2] + column[count / 2]);
        if (photons == 1) {
          expected = noise * sqrt(max(shift + centre, 0.01f));
        }
        reach = clip * max(expected, shortest * SHORTEST_HALF);
        int kept = 0;
        for (int pass = 0; pass < iterations; pass++) {
          kept = 0;
          sum = 0f;
          squares = 0f;
          for (int i = 0; i < count; i++) {
            float d = column[i] - centre;
            if (abs(d) <= reach) {
              kept++;
              sum += d;
              squares += d * d;
            }
          }
          if (kept > 0) {
            mean = sum / kept;
            squares = squares - sum * mean;
            centre = centre + mean;
          }
        }
        count = kept;
        mean = centre;
      }
      used[p] = (short) count;
      level[p] = shift + mean;
      float deviation = 0f;
      if (count > 0) {
        deviation =
            sqrt((PRIOR * expected * expected + max(squares, 0f)) / ((PRIOR + count - 1) * count));
      }
      error[p] = deviation;
    }
  }
}

package org.starmill.calibrate;

import org.starmill.device.ItemKernel;
import org.starmill.image.PixelFlag;

/**
 * Turns raw ADU into electrons with mask and, where asked for, variance, an item a row of the
 * trimmed image.
 */
final class CalibrationKernel extends ItemKernel {
  /** ADU; no camera counts so far, and the squares of numbers much larger are not finite. */
  static final float BEYOND_ALL_CAMERAS = 1e9f;

  /** Electrons, after gain and flat. */
  static final float BEYOND_ALL_IMAGES = 1e12f;

  float[] raw;
  int rawWidth;
  int firstColumn;
  int firstRow;
  int width;
  float[] overscan;
  float[] bias;
  float[] biasError;
  float[] inverseResponse;
  int flatFielded;
  short[] defects;
  float gain;
  float readVariance;
  float saturation;

  /** 1 where the variance is asked for, 0 where it is not and its array is of length 1. */
  int withVariance;

  @Output float[] science;
  @Output float[] variance;
  @Output short[] mask;
  @Output int[] saturated;
  @Output int[] missing;

  @Override
  protected void vectorItems(int from, int to) {
    CalibrationVectors.calibrate(this, from, to);
  }

  @Override
  public void item(int item) {
    saturated[item] = 0;
    missing[item] = 0;
    pixels(item, 0, width);
  }

  /** Calibrates pixels of a row, and counts those saturated and missing on. */
  void pixels(int item, int start, int end) {
    int from = (firstRow + item) * rawWidth + firstColumn;
    int to = item * width;
    float level = overscan[item];
    if (flatFielded == 1) {
      for (int x = start; x < end; x++) {
        science[to + x] = (raw[from + x] - level - bias[to + x]) * gain * inverseResponse[to + x];
      }
    } else {
      for (int x = start; x < end; x++) {
        science[to + x] = (raw[from + x] - level - bias[to + x]) * gain;
      }
    }
    if (withVariance == 1) {
      for (int x = start; x < end; x++) {
        float electrons = (raw[from + x] - level - bias[to + x]) * gain;
        float scale = 1f;
        if (flatFielded == 1) {
          scale = inverseResponse[to + x];
        }
        float offset = biasError[to + x] * gain;
        variance[to + x] = (max(electrons, 0f) + readVariance + offset * offset) * scale * scale;
      }
    }
    int full = 0;
    int without = 0;
    for (int x = start; x < end; x++) {
      float value = raw[from + x];
      int bits = defects[to + x];
      // A pixel that is full in every frame is bad: no star filled it, and nothing bleeds from it.
      if (value >= saturation && (bits & PixelFlag.BAD) == 0) {
        bits = bits | PixelFlag.SATURATED;
        full++;
      }
      float electrons = science[to + x];
      // NaN, be it the frame's, the overscan's or the bias's, is asked for by name: Aparapi writes
      // !(a <= b) as a > b, which NaN is not.
      if (abs(value) > BEYOND_ALL_CAMERAS
          || abs(electrons) > BEYOND_ALL_IMAGES
          || value != value
          || electrons != electrons) {
        bits = bits | PixelFlag.NO_DATA;
        without++;
        science[to + x] = 0f;
        if (withVariance == 1) {
          variance[to + x] = readVariance;
        }
      }
      mask[to + x] = (short) bits;
    }
    saturated[item] = saturated[item] + full;
    missing[item] = missing[item] + without;
  }
}

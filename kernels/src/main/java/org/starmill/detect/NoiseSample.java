package org.starmill.detect;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Measures the width of the significance over a sparse sample of an image's pixels.
 *
 * <p>Counts |significance| of every 7th pixel of every 7th row in bins of 0.01. Were the variance
 * right and no star left in the image, the values would be normal with width 1; half of them would
 * lie below 0.6745.
 */
final class NoiseSample {
  static final int STEP = 7;

  /** A pixel with a model above this share of the empty sky's variance is left out. */
  static final float DARK = 0.1f;

  private static final double MEDIAN_OF_NORMAL = 0.6744898;
  private static final float PER_UNIT = 100f;
  private final AtomicIntegerArray bins = new AtomicIntegerArray(10_000);

  /** Takes the samples of a row, if it is one that has some. */
  void row(
      int y,
      int width,
      float[] significance,
      int first,
      float[] base,
      float[] model,
      float photon) {
    if (y % STEP != STEP / 2) {
      return;
    }
    for (int x = STEP / 2; x < width; x += STEP) {
      int i = y * width + x;
      if (base[i] > 0f && photon * model[i] < DARK * base[i]) {
        float value = Math.abs(significance[first + x]) * PER_UNIT;
        bins.incrementAndGet((int) Math.min(value, bins.length() - 1));
      }
    }
  }

  /** Median of |significance| / 0.6745; NaN where no pixel could be sampled. */
  double width() {
    long total = 0;
    for (int i = 0; i < bins.length(); i++) {
      total += bins.get(i);
    }
    if (total == 0) {
      return Double.NaN;
    }
    double rank = 0.5 * total;
    int bin = 0;
    while (bins.get(bin) <= rank) {
      rank -= bins.get(bin++);
    }
    return (bin + rank / bins.get(bin)) / PER_UNIT / MEDIAN_OF_NORMAL;
  }
}

package org.starmill.measure;

import org.starmill.device.ItemKernel;

/**
 * Variance of the empty sky in each pixel of one row, in the place of its level, and the image less
 * its sky.
 *
 * <p>With response f, read noise r and sky s the raw pixel held s f electrons of sky, so that after
 * the flat its variance is s / f + r^2 / f^2. It does not hold the stars' photon noise: that is
 * added from the model, never from the data (which would give low pixels high weights and bias
 * faint fluxes). A pixel that must not be used gets 0 in both; the variance of any other is at
 * least the {@link #least}.
 */
final class BaseVarianceKernel extends ItemKernel {
  int width;
  int unusable;

  /** 1 where the sky is still in the image, 0 where it was taken off. */
  int subtracting;

  /** 1 where there is a response, else 0 and the array is of length 1. */
  int flatFielded;

  float readVariance;

  /** Above 0: without read noise and with a sky of 0 every pixel would count as unusable. */
  float least;

  float[] response;
  short[] mask;

  /** In: level of the sky, electrons. Out: variance. */
  float[] base;

  float[] image;

  /**
   * Takes an image.
   *
   * @param planes in which the sky's level stands in the place of the variance
   * @param pixelMask a value a pixel
   * @param bits of it that a pixel which must not be used has any of
   * @param flat response; null for 1 everywhere
   */
  void take(Planes planes, short[] pixelMask, int bits, float[] flat) {
    width = planes.width;
    mask = pixelMask;
    unusable = bits;
    flatFielded = flat == null ? 0 : 1;
    response = flat == null ? new float[1] : flat;
    base = planes.base;
    image = planes.image;
  }

  @Override
  protected void vectorItems(int from, int to) {
    BaseVarianceVectors.measure(this, from * width, to * width);
  }

  @Override
  public void item(int y) {
    pixels(y * width, (y + 1) * width);
  }

  void pixels(int from, int to) {
    for (int i = from; i < to; i++) {
      float gain = 1f;
      if (flatFielded == 1) {
        gain = 1f / max(response[i], 0.05f);
      }
      float sky = base[i];
      float variance = max(gain * (max(sky, 0f) + gain * readVariance), least);
      float value = image[i];
      if (subtracting == 1) {
        value = value - sky;
      }
      if ((mask[i] & unusable) != 0) {
        variance = 0f;
        value = 0f;
      }
      base[i] = variance;
      image[i] = value;
    }
  }
}

package org.starmill.detect;

import org.starmill.device.ItemKernel;

/**
 * Weight of each pixel of one row, 1 / (base + photon * model), and what the model leaves of the
 * image times its weight.
 */
final class WeightKernel extends ItemKernel {
  int width;

  /** Row of the image that is the first one here. */
  int top;

  float photon;
  float[] image;

  /** Variance of the empty sky, electrons squared; 0 where the pixel must not be used. */
  float[] base;

  /** Electrons of the stars that are known: their light is taken off, their noise stays. */
  float[] model;

  @Output float[] weighted;
  @Output float[] weight;

  @Override
  public void item(int y) {
    int row = y * width;
    for (int x = 0; x < width; x++) {
      int i = top * width + row + x;
      float variance = base[i];
      float w = 0f;
      float light = 0f;
      if (variance > 0f) {
        w = 1f / (variance + photon * max(model[i], 0f));
        light = w * (image[i] - model[i]);
      }
      weight[row + x] = w;
      weighted[row + x] = light;
    }
  }
}

package org.starmill.detect;

import org.starmill.device.ItemKernel;

/** Weight of each pixel of one row, 1 / (base + photon * model), and the image times its weight. */
final class WeightKernel extends ItemKernel {
  int width;
  float photon;
  float[] image;

  /** Variance of the empty sky, electrons squared; 0 where the pixel must not be used. */
  float[] base;

  /** Electrons of the stars that are no longer in the image but left their noise. */
  float[] model;

  @Output float[] weighted;
  @Output float[] weight;

  @Override
  public void item(int y) {
    int row = y * width;
    for (int x = 0; x < width; x++) {
      int i = row + x;
      float variance = base[i];
      float w = 0f;
      float light = 0f;
      if (variance > 0f) {
        w = 1f / (variance + photon * max(model[i], 0f));
        light = w * image[i];
      }
      weight[i] = w;
      weighted[i] = light;
    }
  }
}

package org.starmill.measure;

import org.starmill.device.ItemKernel;

/** What the model of all stars leaves of one row of the image; 0 where a pixel was not used. */
final class ResidualKernel extends ItemKernel {
  int width;
  float[] image;
  float[] model;
  short[] mask;

  /** Bits of the mask of a pixel that was not used. */
  int unusable;

  @Output float[] residual;

  @Override
  public void item(int y) {
    for (int i = y * width; i < (y + 1) * width; i++) {
      float left = image[i] - model[i];
      if ((mask[i] & unusable) != 0) {
        left = 0f;
      }
      residual[i] = left;
    }
  }
}

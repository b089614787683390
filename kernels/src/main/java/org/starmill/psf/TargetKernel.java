package org.starmill.psf;

/**
 * Cuts out the stamp of one star and puts the star's own model back into it: the image as it would
 * be without the other stars.
 */
final class TargetKernel extends PsfKernel {
  int width;
  int height;
  int stampRadius;
  float[] residual;
  float[] base;
  int[] centreX;
  int[] centreY;
  float[] offsetX;
  float[] offsetY;
  float[] flux;
  float[] form;
  float[] target;

  @Override
  public void item(int star) {
    int side = 2 * stampRadius + 1;
    int k = star * side * side;
    for (int py = -stampRadius; py <= stampRadius; py++) {
      int sy = centreY[star] + py;
      for (int px = -stampRadius; px <= stampRadius; px++) {
        int sx = centreX[star] + px;
        float value = 0f;
        if (sx >= 0 && sx < width && sy >= 0 && sy < height) {
          int i = sy * width + sx;
          if (base[i] > 0f) {
            float own =
                pixel(form, star * FORM, px - offsetX[star], py - offsetY[star], order(px, py));
            value = residual[i] + flux[star] * own;
          }
        }
        target[k] = value;
        k++;
      }
    }
  }
}

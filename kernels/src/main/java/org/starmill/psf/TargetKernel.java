package org.starmill.psf;

/**
 * Cuts out the stamp of one star and puts the star's own model back into it: the image as it would
 * be without the other stars. The variance of the empty sky is cut out beside it.
 */
final class TargetKernel extends PsfKernel {
  int width;
  int height;
  int stampRadius;

  /** Places from one row of a stamp to the next. */
  int stride;

  /** Electrons without the sky, with all stars of the model. */
  float[] image;

  float[] model;
  float[] base;
  int[] centreX;
  int[] centreY;
  float[] offsetX;
  float[] offsetY;
  float[] flux;
  float[] form;
  float[] target;
  float[] variance;

  @Override
  public void item(int star) {
    int side = 2 * stampRadius + 1;
    for (int py = -stampRadius; py <= stampRadius; py++) {
      int sy = centreY[star] + py;
      int k = (star * side + py + stampRadius) * stride;
      for (int px = -stampRadius; px <= stampRadius; px++) {
        int sx = centreX[star] + px;
        float value = 0f;
        float empty = 0f;
        if (sx >= 0 && sx < width && sy >= 0 && sy < height) {
          int i = sy * width + sx;
          if (base[i] > 0f) {
            float own =
                pixel(form, star * FORM, px - offsetX[star], py - offsetY[star], order(px, py));
            value = image[i] - model[i] + flux[star] * own;
            empty = base[i];
          }
        }
        target[k] = value;
        variance[k] = empty;
        k++;
      }
    }
  }

  @Override
  protected void vectorItems(int from, int to) {
    PsfStamps stamps = new PsfStamps(this);
    int side = 2 * stampRadius + 1;
    for (int star = from; star < to; star++) {
      stamps.values(form, star * FORM, stampRadius, offsetX[star], offsetY[star]);
      for (int row = 0; row < side; row++) {
        int sy = centreY[star] + row - stampRadius;
        if (sy >= 0 && sy < height) {
          int k = (star * side + row) * stride;
          int first = Math.max(0, stampRadius - centreX[star]);
          int last = Math.min(side, width + stampRadius - centreX[star]);
          int i = sy * width + centreX[star] - stampRadius + first;
          for (int column = first; column < last; column++) {
            if (base[i] > 0f) {
              target[k + column] =
                  image[i] - model[i] + flux[star] * stamps.value[row * stride + column];
              variance[k + column] = base[i];
            }
            i++;
          }
        }
      }
    }
  }
}

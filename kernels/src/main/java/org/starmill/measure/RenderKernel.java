package org.starmill.measure;

import org.starmill.psf.PsfKernel;

/**
 * Draws the model of all stars into one band of rows, and what it leaves of the image.
 *
 * <p>Gathers: a band asks which stars reach it, so that no two items write the same pixel and the
 * sum does not depend on the order of threads. A star is drawn out to its own radius, on whole
 * pixels about the one its centre lies in.
 */
final class RenderKernel extends PsfKernel {
  int width;
  int height;
  int bandRows;

  /** Stars of band b: {@code bandStar[bandStart[b]]} to {@code bandStar[bandStart[b + 1] - 1]}. */
  int[] bandStart;

  int[] bandStar;
  int[] centreX;
  int[] centreY;
  int[] radius;
  float[] offsetX;
  float[] offsetY;
  float[] flux;
  float[] form;

  /** Image less sky, 0 where masked; variance of the empty sky, 0 where masked. */
  float[] image;

  float[] base;
  float[] model;
  float[] residual;

  @Override
  public void item(int band) {
    int top = band * bandRows;
    int bottom = min(height, top + bandRows);
    for (int i = top * width; i < bottom * width; i++) {
      model[i] = 0f;
    }
    for (int k = bandStart[band]; k < bandStart[band + 1]; k++) {
      int star = bandStar[k];
      int cx = centreX[star];
      int cy = centreY[star];
      int r = radius[star];
      int from = max(cx - r, 0);
      int to = min(cx + r, width - 1);
      int first = max(cy - r, top);
      int last = min(cy + r, bottom - 1);
      for (int y = first; y <= last; y++) {
        int py = y - cy;
        for (int x = from; x <= to; x++) {
          int px = x - cx;
          // A round patch, not a square one: no corners in the residual of a bright star.
          if (px * px + py * py <= r * r) {
            float value =
                pixel(form, star * FORM, px - offsetX[star], py - offsetY[star], order(px, py));
            model[y * width + x] += flux[star] * value;
          }
        }
      }
    }
    for (int i = top * width; i < bottom * width; i++) {
      float left = image[i] - model[i];
      if (base[i] <= 0f) {
        left = 0f;
      }
      residual[i] = left;
    }
  }
}

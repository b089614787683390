package org.starmill.measure;

import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfTable;

/**
 * Draws the model of all stars into one band of rows, what it leaves of the image, and the weight
 * of each pixel with the stars' own noise.
 *
 * <p>Gathers: a band asks which stars reach it, so that no two items write the same pixel and the
 * sum does not depend on the order of threads. A star is drawn out to its own radius, on whole
 * pixels about the one its centre lies in. With model M, response R and c the relative error of
 * flat and PSF a pixel's weight is 1 / (base + M / R + (c M)^2): the variance is the model's, for
 * one that follows the data's own noise gives low pixels high weights and biases faint fluxes.
 */
final class RenderKernel extends PsfKernel {
  int width;
  int height;
  int bandRows;

  /** What is done with the model before it is taken off the image. */
  static final int NOTHING = 0;

  static final int ANEW = 1;
  static final int ON_TOP = 2;

  /** One of the three. */
  int drawing;

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

  /** Response of the pixels, or one value where there is none ({@link #flatFielded} is 0). */
  float[] response;

  int flatFielded;

  /** Relative error of the model, squared. */
  float modelVariance;

  float[] model;
  float[] residual;
  float[] weight;

  /** The PSF as the twin takes it; null where there is no Vector API. */
  PsfTable table;

  @Override
  public void item(int band) {
    int top = band * bandRows;
    int bottom = min(height, top + bandRows);
    if (drawing != NOTHING) {
      draw(band, top, bottom);
    }
    for (int i = top * width; i < bottom * width; i++) {
      float left = 0f;
      float w = 0f;
      if (base[i] > 0f) {
        float gain = 1f;
        if (flatFielded == 1) {
          gain = 1f / max(response[i], 0.05f);
        }
        float m = max(model[i], 0f);
        left = image[i] - model[i];
        w = 1f / (base[i] + m * (gain + modelVariance * m));
      }
      residual[i] = left;
      weight[i] = w;
    }
  }

  private void draw(int band, int top, int bottom) {
    if (drawing == ANEW) {
      for (int i = top * width; i < bottom * width; i++) {
        model[i] = 0f;
      }
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
          float value =
              pixel(form, star * FORM, px - offsetX[star], py - offsetY[star], order(px, py));
          model[y * width + x] += flux[star] * value;
        }
      }
    }
  }

  @Override
  protected void vectorItems(int from, int to) {
    if (table == null) {
      super.vectorItems(from, to);
    } else {
      new RenderVectors(this).draw(from, to);
    }
  }
}

package org.starmill.measure;

import org.starmill.psf.TabulatedPsfKernel;

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
final class RenderKernel extends TabulatedPsfKernel {
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

  /** Pixels whose residual and weight are worked out together. */
  private static final int CHUNK = 64;

  @Override
  public void item(int band) {
    int top = band * bandRows;
    int bottom = min(height, top + bandRows);
    if (drawing != NOTHING) {
      draw(band, top, bottom);
    }
    // What stars are drawn on top of is left as it was found, unless they cover most of the band.
    int covered = (bottom - top) * width;
    if (drawing == ON_TOP) {
      covered = 0;
      for (int k = bandStart[band]; k < bandStart[band + 1]; k++) {
        int r = radius[bandStar[k]];
        covered +=
            (2 * r + 1)
                * (min(centreY[bandStar[k]] + r, bottom) - max(centreY[bandStar[k]] - r, top));
      }
    }
    if (drawing == ON_TOP && 2 * covered < (bottom - top) * width) {
      for (int k = bandStart[band]; k < bandStart[band + 1]; k++) {
        int star = bandStar[k];
        int from = max(centreX[star] - radius[star], 0);
        int to = min(centreX[star] + radius[star], width - 1);
        int last = min(centreY[star] + radius[star], bottom - 1);
        for (int y = max(centreY[star] - radius[star], top); y <= last; y++) {
          finish(y * width + from, y * width + to + 1);
        }
      }
    } else {
      finish(top * width, bottom * width);
    }
  }

  /** What the model leaves of pixels, and their weights; the pixels of a chunk at a time. */
  private void finish(int from, int to) {
    float[] gain = new float[CHUNK];
    float[] left = new float[CHUNK];
    float[] share = new float[CHUNK];
    for (int i = 0; i < CHUNK; i++) {
      gain[i] = 1f;
    }
    for (int first = from; first < to; first += CHUNK) {
      int count = min(CHUNK, to - first);
      if (flatFielded == 1) {
        for (int i = 0; i < count; i++) {
          float r = response[first + i];
          if (r < 0.05f) {
            r = 0.05f;
          }
          gain[i] = 1f / r;
        }
      }
      for (int i = 0; i < count; i++) {
        float b = base[first + i];
        float m = model[first + i];
        float bright = 0f;
        if (m > 0f) {
          bright = m;
        }
        float all = image[first + i] - m;
        float inverse = 1f / (b + bright * (gain[i] + modelVariance * bright));
        float rest = 0f;
        float w = 0f;
        if (b > 0f) {
          rest = all;
          w = inverse;
        }
        left[i] = rest;
        share[i] = w;
      }
      for (int i = 0; i < count; i++) {
        residual[first + i] = left[i];
      }
      for (int i = 0; i < count; i++) {
        weight[first + i] = share[i];
      }
    }
  }

  private void draw(int band, int top, int bottom) {
    if (drawing == ANEW) {
      for (int i = top * width; i < bottom * width; i++) {
        model[i] = 0f;
      }
    }
    for (int k = bandStart[band]; k < bandStart[band + 1]; k++) {
      drawStar(bandStar[k], top, bottom);
    }
  }

  private void drawStar(int star, int top, int bottom) {
    float[] weights = new float[WEIGHTS];
    int[] starts = new int[STARTS];
    float[] value = new float[LANES];
    float[] slopeX = new float[LANES];
    float[] slopeY = new float[LANES];
    int cx = centreX[star];
    int cy = centreY[star];
    int r = radius[star];
    int f = star * FORM;
    take(
        cell(cx, cy),
        form[f],
        form[f + 1],
        form[f + 2],
        form[f + 4],
        offsetX[star],
        offsetY[star],
        weights,
        starts);
    int from = max(-r, -cx);
    int to = min(r, width - 1 - cx);
    int last = min(cy + r, bottom - 1);
    for (int y = max(cy - r, top); y <= last; y++) {
      int py = y - cy;
      int pixel = y * width + cx;
      int wingTo = to;
      int coreTo = to;
      if (py <= tableRadius && py >= -tableRadius) {
        wingTo = min(to, -tableRadius - 1);
        coreTo = min(to, tableRadius);
      }
      for (int px = from; px <= wingTo; px += LANES) {
        wing(star, px, py, value);
        add(pixel + px, wingTo - px, bottom * width, flux[star], value);
      }
      for (int px = max(from, wingTo + 1); px <= coreTo; px += LANES) {
        slopes(px, py, weights, starts, value, slopeX, slopeY);
        add(pixel + px, coreTo - px, bottom * width, flux[star], value);
      }
      for (int px = max(from, coreTo + 1); px <= to; px += LANES) {
        wing(star, px, py, value);
        add(pixel + px, to - px, bottom * width, flux[star], value);
      }
    }
  }

  /** Adds light to the model's pixels, up to a last lane; to others within the band nothing. */
  private void add(int first, int last, int end, float light, float[] value_$private$) {
    float[] line = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      float more = light * value_$private$[lane];
      if (lane > last) {
        more = 0f;
      }
      line[lane] = more;
    }
    int written = min(LANES, end - first);
    for (int lane = 0; lane < written; lane++) {
      model[first + lane] += line[lane];
    }
  }

  /**
   * The PSF beyond the table, over a row's pixels: its Taylor expansion, as {@link
   * org.starmill.psf.PsfKernel} has it.
   */
  private void wing(int star, int px, int py, float[] value_$private$) {
    int f = star * FORM;
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    float left = px - offsetX[star];
    float y = py - offsetY[star];
    float t = 2f * (a + c);
    float[] quadratic = new float[LANES];
    float[] steepness = new float[LANES];
    float[] line = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      float x = left + lane;
      float gx = 2f * a * x + b * y;
      float gy = b * x + 2f * c * y;
      quadratic[lane] = 0.5f * (x * gx + y * gy);
      steepness[lane] = gx * gx + gy * gy;
    }
    // A loop for each profile: one that might take either is not made into vectors.
    if (gaussian == 1) {
      for (int lane = 0; lane < LANES; lane++) {
        float core = exponential(-0.5f * quadratic[lane]);
        line[lane] = norm * core * (1f + (0.25f * steepness[lane] - 0.5f * t) / 24f);
      }
    } else {
      for (int lane = 0; lane < LANES; lane++) {
        float u = 1f + quadratic[lane];
        float g = steepness[lane];
        float power = powerOf(u, -beta - 2f);
        line[lane] = norm * power * (u * u + beta / 24f * ((beta + 1f) * g - u * t));
      }
    }
    for (int lane = 0; lane < LANES; lane++) {
      value_$private$[lane] = line[lane];
    }
  }

  @Override
  protected void vectorItems(int from, int to) {
    new RenderVectors(this).draw(from, to);
  }
}

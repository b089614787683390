package org.starmill.measure;

import org.starmill.psf.TabulatedPsfKernel;

/**
 * Draws the model of all stars into one band of rows.
 *
 * <p>Gathers: a band asks which stars reach it, so that no two items write the same pixel and the
 * sum does not depend on the order of threads. A star is drawn out to its own radius, on whole
 * pixels about the one its centre lies in.
 */
final class RenderKernel extends TabulatedPsfKernel {
  int width;
  int height;
  int bandRows;

  /** 1 where the stars are added to what the model holds, 0 where it is made of them alone. */
  int onTop;

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

  float[] model;

  @Override
  public void item(int band) {
    int top = band * bandRows;
    draw(band, top, min(height, top + bandRows));
  }

  private void draw(int band, int top, int bottom) {
    if (onTop == 0) {
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

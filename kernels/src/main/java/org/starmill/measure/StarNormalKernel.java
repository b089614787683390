package org.starmill.measure;

import org.starmill.psf.TabulatedPsfKernel;

/**
 * Sums the normal system of one star on what the model of all stars leaves of the image, and what
 * couples it to each of its neighbours.
 *
 * <p>The unknowns of a star are its changes F dx, F dy and dF, so that its columns of the design
 * matrix are P's slopes by x and y and P itself: they do not depend on how bright the star is. With
 * image I less its sky, model M of all stars, residual r = I - M and weight w the sums over the
 * stamp are H = sum w J J^T, g = sum w J r, and with a neighbour's columns K the block C = sum w J
 * K^T over the pixels that both stamps share. Where a constant sky is fitted with each star, it is
 * eliminated from H and g (Schur complement).
 *
 * <p>w = 1 / (base + u M + (c M)^2), where u is the variance that an electron brings (1 / response,
 * of the star's own pixel) and c the relative error of flat and PSF: the variance is the model's,
 * for one that follows the data's own noise gives low pixels high weights and biases faint fluxes.
 */
final class StarNormalKernel extends TabulatedPsfKernel {
  /** Numbers a star: H by rows of its lower triangle (6), g (3), chi^2, pixels, sky. */
  static final int OWN = 12;

  static final int GRADIENT = 6;
  static final int CHI2 = 9;
  static final int PIXELS = 10;
  static final int SKY = 11;

  /** Numbers a neighbour: its block by rows, a row a parameter of the star. */
  static final int CROSS = 9;

  /** Sums that are kept by lane. */
  private static final int SUMS = 16;

  int width;
  int height;

  /** Which stars are summed, an item each. */
  int[] chosen;

  /** Half side of each star's stamp. */
  int[] radius;

  int fitSky;

  /** Relative error of the model, squared. */
  float modelVariance;

  /** Image less sky, model of all stars, and variance of the empty sky, 0 where masked. */
  float[] image;

  float[] model;
  float[] base;

  /** Variance that an electron brings, a value a star. */
  float[] photon;

  int[] centreX;
  int[] centreY;
  float[] offsetX;
  float[] offsetY;
  float[] flux;
  float[] form;

  /**
   * Neighbours of star i: {@code neighbour[firstOf[i]]} to {@code neighbour[firstOf[i + 1] - 1]}.
   */
  int[] firstOf;

  int[] neighbour;
  float[] own;
  float[] cross;

  @Override
  public void item(int item) {
    int star = chosen[item];
    // Both reach the PSF by as many calls: Aparapi writes out methods in the order of that.
    sumOwn(star);
    for (int k = firstOf[star]; k < firstOf[star + 1]; k++) {
      couple(star, neighbour[k], k * CROSS);
    }
  }

  private void sumOwn(int star) {
    float[] weights = new float[WEIGHTS];
    int[] starts = new int[STARTS];
    float[] value = new float[LANES];
    float[] slopeX = new float[LANES];
    float[] slopeY = new float[LANES];
    float[] empty = new float[LANES];
    float[] drawn = new float[LANES];
    float[] seen = new float[LANES];
    float[] share = new float[LANES];
    float[] rest = new float[LANES];
    float[] sums = new float[SUMS * LANES];
    for (int lane = 0; lane < LANES; lane++) {
      empty[lane] = 0f;
      drawn[lane] = 0f;
      seen[lane] = 0f;
    }
    for (int i = 0; i < SUMS * LANES; i++) {
      sums[i] = 0f;
    }
    int cx = centreX[star];
    int cy = centreY[star];
    float gain = photon[star];
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
    int r = radius[star];
    int left = max(-r, -cx);
    int right = min(r, width - 1 - cx);
    int top = max(-r, -cy);
    int bottom = min(r, height - 1 - cy);
    for (int py = top; py <= bottom; py++) {
      for (int px = left; px <= right; px += LANES) {
        slopes(px, py, weights, starts, value, slopeX, slopeY);
        int first = (cy + py) * width + cx + px;
        int lanes = right - px + 1;
        // What lies right of the stamp is read and not used: a loop of fixed length is faster.
        int read = min(LANES, width * height - first);
        for (int lane = 0; lane < read; lane++) {
          empty[lane] = base[first + lane];
          drawn[lane] = model[first + lane];
          seen[lane] = image[first + lane];
        }
        for (int lane = 0; lane < LANES; lane++) {
          float bright = 0f;
          if (drawn[lane] > 0f) {
            bright = drawn[lane];
          }
          float inverse = 1f / (empty[lane] + bright * (gain + modelVariance * bright));
          float w = 0f;
          if (lane < lanes && empty[lane] > 0f) {
            w = inverse;
          }
          share[lane] = w;
          float value0 = seen[lane] - drawn[lane];
          rest[lane] = value0;
          float one = 0f;
          if (w > 0f) {
            one = 1f;
          }
          float p = value[lane];
          float jx = slopeX[lane];
          float jy = slopeY[lane];
          float wx = w * jx;
          float wy = w * jy;
          float wp = w * p;
          sums[lane] += wx * jx;
          sums[LANES + lane] += wx * jy;
          sums[2 * LANES + lane] += wy * jy;
          sums[3 * LANES + lane] += wx * p;
          sums[4 * LANES + lane] += wy * p;
          sums[5 * LANES + lane] += wp * p;
          sums[6 * LANES + lane] += wx * value0;
          sums[7 * LANES + lane] += wy * value0;
          sums[8 * LANES + lane] += wp * value0;
          sums[9 * LANES + lane] += w * value0 * value0;
          sums[10 * LANES + lane] += one;
        }
        if (fitSky == 1) {
          for (int lane = 0; lane < LANES; lane++) {
            float w = share[lane];
            sums[11 * LANES + lane] += w * slopeX[lane];
            sums[12 * LANES + lane] += w * slopeY[lane];
            sums[13 * LANES + lane] += w * value[lane];
            sums[14 * LANES + lane] += w;
            sums[15 * LANES + lane] += w * rest[lane];
          }
        }
      }
    }
    int o = star * OWN;
    for (int number = 0; number < SKY; number++) {
      own[o + number] = total(number, sums);
    }
    own[o + SKY] = 0f;
    float ss = total(14, sums);
    if (fitSky == 1 && ss > 0f) {
      float xs = total(11, sums);
      float ys = total(12, sums);
      float fs = total(13, sums);
      float sky = total(15, sums) / ss;
      own[o] -= xs * xs / ss;
      own[o + 1] -= xs * ys / ss;
      own[o + 2] -= ys * ys / ss;
      own[o + 3] -= xs * fs / ss;
      own[o + 4] -= ys * fs / ss;
      own[o + 5] -= fs * fs / ss;
      own[o + GRADIENT] -= xs * sky;
      own[o + GRADIENT + 1] -= ys * sky;
      own[o + GRADIENT + 2] -= fs * sky;
      own[o + CHI2] -= ss * sky * sky;
      own[o + SKY] = sky;
    }
  }

  /** The block of a neighbour, over the pixels both stamps have. */
  private void couple(int star, int other, int c) {
    float[] weights = new float[WEIGHTS];
    int[] starts = new int[STARTS];
    float[] value = new float[LANES];
    float[] slopeX = new float[LANES];
    float[] slopeY = new float[LANES];
    float[] otherWeights = new float[WEIGHTS];
    int[] otherStarts = new int[STARTS];
    float[] otherValue = new float[LANES];
    float[] otherSlopeX = new float[LANES];
    float[] otherSlopeY = new float[LANES];
    float[] empty = new float[LANES];
    float[] drawn = new float[LANES];
    float[] sums = new float[CROSS * LANES];
    for (int lane = 0; lane < LANES; lane++) {
      empty[lane] = 0f;
      drawn[lane] = 0f;
    }
    for (int i = 0; i < CROSS * LANES; i++) {
      sums[i] = 0f;
    }
    int cx = centreX[star];
    int cy = centreY[star];
    float gain = photon[star];
    int place = cell(cx, cy);
    int f = star * FORM;
    take(
        place,
        form[f],
        form[f + 1],
        form[f + 2],
        form[f + 4],
        offsetX[star],
        offsetY[star],
        weights,
        starts);
    // The star's cell serves both: they are neighbours.
    int g = other * FORM;
    take(
        place,
        form[g],
        form[g + 1],
        form[g + 2],
        form[g + 4],
        offsetX[other],
        offsetY[other],
        otherWeights,
        otherStarts);
    int dx = centreX[other] - cx;
    int dy = centreY[other] - cy;
    int left = max(max(-radius[star], dx - radius[other]), -cx);
    int right = min(min(radius[star], dx + radius[other]), width - 1 - cx);
    int top = max(max(-radius[star], dy - radius[other]), -cy);
    int bottom = min(min(radius[star], dy + radius[other]), height - 1 - cy);
    for (int py = top; py <= bottom; py++) {
      for (int px = left; px <= right; px += LANES) {
        slopes(px, py, weights, starts, value, slopeX, slopeY);
        slopes(px - dx, py - dy, otherWeights, otherStarts, otherValue, otherSlopeX, otherSlopeY);
        int first = (cy + py) * width + cx + px;
        int lanes = right - px + 1;
        int read = min(LANES, width * height - first);
        for (int lane = 0; lane < read; lane++) {
          empty[lane] = base[first + lane];
          drawn[lane] = model[first + lane];
        }
        for (int lane = 0; lane < LANES; lane++) {
          float bright = 0f;
          if (drawn[lane] > 0f) {
            bright = drawn[lane];
          }
          float inverse = 1f / (empty[lane] + bright * (gain + modelVariance * bright));
          float w = 0f;
          if (lane < lanes && empty[lane] > 0f) {
            w = inverse;
          }
          float wx = w * slopeX[lane];
          float wy = w * slopeY[lane];
          float wp = w * value[lane];
          float kx = otherSlopeX[lane];
          float ky = otherSlopeY[lane];
          float kp = otherValue[lane];
          sums[lane] += wx * kx;
          sums[LANES + lane] += wx * ky;
          sums[2 * LANES + lane] += wx * kp;
          sums[3 * LANES + lane] += wy * kx;
          sums[4 * LANES + lane] += wy * ky;
          sums[5 * LANES + lane] += wy * kp;
          sums[6 * LANES + lane] += wp * kx;
          sums[7 * LANES + lane] += wp * ky;
          sums[8 * LANES + lane] += wp * kp;
        }
      }
    }
    for (int i = 0; i < CROSS; i++) {
      cross[c + i] = total(i, sums);
    }
  }

  @Override
  protected void vectorItems(int from, int to) {
    new StarNormalVectors(this).sum(from, to);
  }
}

package org.starmill.measure;

import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfTable;

/**
 * Sums the normal system of one star on what the model of all stars leaves of the image, and what
 * couples it to each of its neighbours.
 *
 * <p>The unknowns of a star are its changes F dx, F dy and dF, so that its columns of the design
 * matrix are P's slopes by x and y and P itself: they do not depend on how bright the star is. With
 * residual r and weight w (1 / variance of the model) the sums over the stamp are H = sum w J J^T,
 * g = sum w J r, and with a neighbour's columns K the block C = sum w J K^T over the pixels that
 * both stamps share. Where a constant sky is fitted with each star, it is eliminated from H and g
 * (Schur complement).
 */
final class StarNormalKernel extends PsfKernel {
  /** Numbers a star: H by rows of its lower triangle (6), g (3), chi^2, pixels, sky. */
  static final int OWN = 12;

  static final int GRADIENT = 6;
  static final int CHI2 = 9;
  static final int PIXELS = 10;
  static final int SKY = 11;

  /** Numbers a neighbour: its block by rows, a row a parameter of the star. */
  static final int CROSS = 9;

  /** Places in {@link #work} an item. */
  static final int WORK = 8;

  int width;
  int height;

  /** Which stars are summed, an item each. */
  int[] chosen;

  /** Half side of each star's stamp. */
  int[] radius;

  int fitSky;
  float[] residual;
  float[] weight;
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
  float[] work;

  /** The PSF as the twin takes it; null where there is no Vector API. */
  PsfTable table;

  @Override
  public void item(int item) {
    int star = chosen[item];
    // Both reach the PSF by as many calls: Aparapi writes out methods in the order of that.
    sumOwn(star, item * WORK);
    for (int k = firstOf[star]; k < firstOf[star + 1]; k++) {
      couple(star, neighbour[k], k * CROSS, item * WORK);
    }
  }

  private void sumOwn(int star, int v) {
    int o = star * OWN;
    float xx = 0f;
    float xy = 0f;
    float yy = 0f;
    float xf = 0f;
    float yf = 0f;
    float ff = 0f;
    float xs = 0f;
    float ys = 0f;
    float fs = 0f;
    float ss = 0f;
    float gx = 0f;
    float gy = 0f;
    float gf = 0f;
    float gs = 0f;
    float chi = 0f;
    float count = 0f;
    int r = radius[star];
    int left = max(-r, -centreX[star]);
    int right = min(r, width - 1 - centreX[star]);
    int top = max(-r, -centreY[star]);
    int bottom = min(r, height - 1 - centreY[star]);
    for (int py = top; py <= bottom; py++) {
      int row = (centreY[star] + py) * width + centreX[star];
      for (int px = left; px <= right; px++) {
        float w = weight[row + px];
        if (w > 0f) {
          pixelAndSlopes(
              form, star * FORM, px - offsetX[star], py - offsetY[star], order(px, py), work, v);
          float p = work[v];
          float jx = work[v + 1];
          float jy = work[v + 2];
          float value = residual[row + px];
          float wx = w * jx;
          float wy = w * jy;
          float wp = w * p;
          xx += wx * jx;
          xy += wx * jy;
          yy += wy * jy;
          xf += wx * p;
          yf += wy * p;
          ff += wp * p;
          gx += wx * value;
          gy += wy * value;
          gf += wp * value;
          xs += wx;
          ys += wy;
          fs += wp;
          ss += w;
          gs += w * value;
          chi += w * value * value;
          count += 1f;
        }
      }
    }
    float sky = 0f;
    if (fitSky == 1 && ss > 0f) {
      sky = gs / ss;
      xx -= xs * xs / ss;
      xy -= xs * ys / ss;
      yy -= ys * ys / ss;
      xf -= xs * fs / ss;
      yf -= ys * fs / ss;
      ff -= fs * fs / ss;
      gx -= xs * sky;
      gy -= ys * sky;
      gf -= fs * sky;
      chi -= gs * sky;
    }
    own[o] = xx;
    own[o + 1] = xy;
    own[o + 2] = yy;
    own[o + 3] = xf;
    own[o + 4] = yf;
    own[o + 5] = ff;
    own[o + GRADIENT] = gx;
    own[o + GRADIENT + 1] = gy;
    own[o + GRADIENT + 2] = gf;
    own[o + CHI2] = chi;
    own[o + PIXELS] = count;
    own[o + SKY] = sky;
  }

  private void couple(int star, int other, int c, int v) {
    for (int i = 0; i < CROSS; i++) {
      cross[c + i] = 0f;
    }
    int dx = centreX[other] - centreX[star];
    int dy = centreY[other] - centreY[star];
    int left = max(max(-radius[star], dx - radius[other]), -centreX[star]);
    int right = min(min(radius[star], dx + radius[other]), width - 1 - centreX[star]);
    int top = max(max(-radius[star], dy - radius[other]), -centreY[star]);
    int bottom = min(min(radius[star], dy + radius[other]), height - 1 - centreY[star]);
    for (int py = top; py <= bottom; py++) {
      int row = (centreY[star] + py) * width + centreX[star];
      for (int px = left; px <= right; px++) {
        float w = weight[row + px];
        if (w > 0f) {
          pixelAndSlopes(
              form, star * FORM, px - offsetX[star], py - offsetY[star], order(px, py), work, v);
          pixelAndSlopes(
              form,
              other * FORM,
              px - dx - offsetX[other],
              py - dy - offsetY[other],
              order(px - dx, py - dy),
              work,
              v + 4);
          float wx = w * work[v + 1];
          float wy = w * work[v + 2];
          float wp = w * work[v];
          float kp = work[v + 4];
          float kx = work[v + 5];
          float ky = work[v + 6];
          cross[c] += wx * kx;
          cross[c + 1] += wx * ky;
          cross[c + 2] += wx * kp;
          cross[c + 3] += wy * kx;
          cross[c + 4] += wy * ky;
          cross[c + 5] += wy * kp;
          cross[c + 6] += wp * kx;
          cross[c + 7] += wp * ky;
          cross[c + 8] += wp * kp;
        }
      }
    }
  }

  @Override
  protected void vectorItems(int from, int to) {
    if (table == null) {
      super.vectorItems(from, to);
    } else {
      new StarNormalVectors(this).sum(from, to);
    }
  }
}

package org.starmill.measure;

import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfTable;

/**
 * Says of one fitted star what its stamp shows besides the flux: chi squared, how much of the PSF
 * lies on good pixels, how much of the light is its own, and whether it is wider, narrower or
 * longer than the PSF.
 *
 * <p>With X, Y the offset from the star's centre, a star that is a little larger, or longer along
 * one axis or diagonal, differs from the PSF by F times
 *
 * <pre>
 *   D0 = 2 P + X dP/dX + Y dP/dY    (size)
 *   D1 = X dP/dX - Y dP/dY          (along rows or columns)
 *   D2 = X dP/dY + Y dP/dX          (along the diagonals)
 * </pre>
 *
 * The residual's response to each, sum w r D / (F N) with N = sum w D^2 - (sum w D P)^2 / sum w P^2
 * (the flux being fitted), is the change of ln FWHM, and of both ellipticities, that would fit
 * best, to first order; the response times F sqrt(N) is its significance.
 */
final class StarQualityKernel extends PsfKernel {
  /** Numbers a star. */
  static final int NUMBERS = 12;

  static final int CHI2 = 0;
  static final int PIXELS = 1;
  static final int GOOD = 2;
  static final int ALL = 3;
  static final int OWN_LIGHT = 4;
  static final int OTHER_LIGHT = 5;
  static final int SIZE = 6;
  static final int SIZE_NORM = 7;
  static final int LONG = 8;
  static final int LONG_NORM = 9;
  static final int DIAGONAL = 10;
  static final int DIAGONAL_NORM = 11;

  /** Places in {@link #work} an item. */
  static final int WORK = 4;

  int width;
  int height;

  /** Which stars are looked at, an item each. */
  int[] chosen;

  int[] radius;

  /** Half side of the square over which chi squared is taken. */
  int coreHalfSide;

  float[] residual;
  float[] weight;
  float[] model;
  int[] centreX;
  int[] centreY;
  float[] offsetX;
  float[] offsetY;
  float[] flux;
  float[] form;
  float[] numbers;
  float[] work;
  PsfTable table;

  @Override
  public void item(int item) {
    int star = chosen[item];
    int o = star * NUMBERS;
    int v = item * WORK;
    float f = flux[star];
    float chi = 0f;
    float pixels = 0f;
    float good = 0f;
    float all = 0f;
    float ownLight = 0f;
    float otherLight = 0f;
    float pp = 0f;
    float r0 = 0f;
    float p0 = 0f;
    float n0 = 0f;
    float r1 = 0f;
    float p1 = 0f;
    float n1 = 0f;
    float r2 = 0f;
    float p2 = 0f;
    float n2 = 0f;
    int r = radius[star];
    for (int py = -r; py <= r; py++) {
      int y = centreY[star] + py;
      for (int px = -r; px <= r; px++) {
        int x = centreX[star] + px;
        float dx = px - offsetX[star];
        float dy = py - offsetY[star];
        pixelAndSlopes(form, star * FORM, dx, dy, order(px, py), work, v);
        float p = work[v];
        all += p;
        if (x >= 0 && x < width && y >= 0 && y < height) {
          int i = y * width + x;
          float w = weight[i];
          if (w > 0f) {
            // The slopes are those by the star's place: of opposite sign.
            float sx = -work[v + 1];
            float sy = -work[v + 2];
            float value = residual[i];
            float wr = w * value;
            float wp = w * p;
            float d0 = 2f * p + dx * sx + dy * sy;
            float d1 = dx * sx - dy * sy;
            float d2 = dx * sy + dy * sx;
            if (px <= coreHalfSide
                && px >= -coreHalfSide
                && py <= coreHalfSide
                && py >= -coreHalfSide) {
              chi += wr * value;
              pixels += 1f;
            }
            good += p;
            ownLight += p * f * p;
            otherLight += p * max(model[i] - f * p, 0f);
            pp += wp * p;
            r0 += wr * d0;
            p0 += wp * d0;
            n0 += w * d0 * d0;
            r1 += wr * d1;
            p1 += wp * d1;
            n1 += w * d1 * d1;
            r2 += wr * d2;
            p2 += wp * d2;
            n2 += w * d2 * d2;
          }
        }
      }
    }
    numbers[o + CHI2] = chi;
    numbers[o + PIXELS] = pixels;
    numbers[o + GOOD] = good;
    numbers[o + ALL] = all;
    numbers[o + OWN_LIGHT] = ownLight;
    numbers[o + OTHER_LIGHT] = otherLight;
    float share = 0f;
    if (pp > 0f) {
      share = 1f / pp;
    }
    numbers[o + SIZE] = -r0;
    numbers[o + SIZE_NORM] = n0 - p0 * p0 * share;
    numbers[o + LONG] = -r1;
    numbers[o + LONG_NORM] = n1 - p1 * p1 * share;
    numbers[o + DIAGONAL] = -r2;
    numbers[o + DIAGONAL_NORM] = n2 - p2 * p2 * share;
  }

  @Override
  protected void vectorItems(int from, int to) {
    if (table == null) {
      super.vectorItems(from, to);
    } else {
      new StarQualityVectors(this).sum(from, to);
    }
  }
}

package org.starmill.measure;

import org.starmill.psf.TabulatedPsfKernel;

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
final class StarQualityKernel extends TabulatedPsfKernel {
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

  /** Sums that are kept by lane. */
  private static final int SUMS = 16;

  int width;
  int height;

  /** Which stars are looked at, an item each. */
  int[] chosen;

  int[] radius;

  /** Half side of the square over which chi squared is taken. */
  int coreHalfSide;

  /** Relative error of the model, squared. */
  float modelVariance;

  /** Image less sky, model of all stars, and variance of the empty sky, 0 where masked. */
  float[] image;

  float[] model;
  float[] base;

  /** Variance that an electron brings, a value a star; weights are {@link StarNormalKernel}'s. */
  float[] photon;

  int[] centreX;
  int[] centreY;
  float[] offsetX;
  float[] offsetY;
  float[] flux;
  float[] form;
  float[] numbers;

  @Override
  public void item(int item) {
    float[] weights = new float[WEIGHTS];
    int[] starts = new int[STARTS];
    float[] value = new float[LANES];
    float[] slopeX = new float[LANES];
    float[] slopeY = new float[LANES];
    float[] empty = new float[LANES];
    float[] seen = new float[LANES];
    float[] drawn = new float[LANES];
    float[] sums = new float[SUMS * LANES];
    for (int lane = 0; lane < LANES; lane++) {
      empty[lane] = 0f;
      seen[lane] = 0f;
      drawn[lane] = 0f;
    }
    for (int i = 0; i < SUMS * LANES; i++) {
      sums[i] = 0f;
    }
    int star = chosen[item];
    int cx = centreX[star];
    int cy = centreY[star];
    int form0 = star * FORM;
    take(
        cell(cx, cy),
        form[form0],
        form[form0 + 1],
        form[form0 + 2],
        form[form0 + 4],
        offsetX[star],
        offsetY[star],
        weights,
        starts);
    float f = flux[star];
    float gain = photon[star];
    int r = radius[star];
    for (int py = -r; py <= r; py++) {
      int y = cy + py;
      float dy = py - offsetY[star];
      int coreRow = 0;
      if (py <= coreHalfSide && py >= -coreHalfSide) {
        coreRow = 1;
      }
      for (int left = -r; left <= r; left += LANES) {
        slopes(left, py, weights, starts, value, slopeX, slopeY);
        int first = y * width + cx + left;
        int lanes = r - left + 1;
        int from = max(0, -cx - left);
        int to = min(lanes, width - cx - left);
        if (y < 0 || y >= height) {
          to = 0;
        }
        // What lies right of the stamp is read and not used: a loop of fixed length is faster.
        int read = 0;
        if (from < to) {
          read = min(LANES, width * height - first);
        }
        for (int lane = from; lane < read; lane++) {
          empty[lane] = base[first + lane];
          seen[lane] = image[first + lane];
          drawn[lane] = model[first + lane];
        }
        float leftX = left - offsetX[star];
        for (int lane = 0; lane < LANES; lane++) {
          float bright = 0f;
          if (drawn[lane] > 0f) {
            bright = drawn[lane];
          }
          float inverse = 1f / (empty[lane] + bright * (gain + modelVariance * bright));
          float w = 0f;
          if (lane >= from && lane < to && empty[lane] > 0f) {
            w = inverse;
          }
          float rest = seen[lane] - drawn[lane];
          float p = 0f;
          if (lane < lanes) {
            p = value[lane];
          }
          float q = 0f;
          float core = 0f;
          if (w > 0f) {
            q = p;
            int px = left + lane;
            if (coreRow == 1 && px <= coreHalfSide && px >= -coreHalfSide) {
              core = 1f;
            }
          }
          float other = drawn[lane] - f * p;
          if (other < 0f) {
            other = 0f;
          }
          // The slopes are those by the star's place: of opposite sign.
          float dx = leftX + lane;
          float sx = -slopeX[lane];
          float sy = -slopeY[lane];
          float wr = w * rest;
          float wp = w * p;
          float d0 = 2f * p + dx * sx + dy * sy;
          float d1 = dx * sx - dy * sy;
          float d2 = dx * sy + dy * sx;
          sums[lane] += core * wr * rest;
          sums[LANES + lane] += core;
          sums[2 * LANES + lane] += q;
          sums[3 * LANES + lane] += p;
          sums[4 * LANES + lane] += q * f * p;
          sums[5 * LANES + lane] += q * other;
          sums[6 * LANES + lane] += wr * d0;
          sums[7 * LANES + lane] += w * d0 * d0;
          sums[8 * LANES + lane] += wr * d1;
          sums[9 * LANES + lane] += w * d1 * d1;
          sums[10 * LANES + lane] += wr * d2;
          sums[11 * LANES + lane] += w * d2 * d2;
          sums[12 * LANES + lane] += wp * p;
          sums[13 * LANES + lane] += wp * d0;
          sums[14 * LANES + lane] += wp * d1;
          sums[15 * LANES + lane] += wp * d2;
        }
      }
    }
    int o = star * NUMBERS;
    for (int number = 0; number < SIZE; number++) {
      numbers[o + number] = total(number, sums);
    }
    float pp = total(12, sums);
    float inverse = 0f;
    if (pp > 0f) {
      inverse = 1f / pp;
    }
    float p0 = total(13, sums);
    float p1 = total(14, sums);
    float p2 = total(15, sums);
    numbers[o + SIZE] = -total(SIZE, sums);
    numbers[o + SIZE_NORM] = total(SIZE_NORM, sums) - p0 * p0 * inverse;
    numbers[o + LONG] = -total(LONG, sums);
    numbers[o + LONG_NORM] = total(LONG_NORM, sums) - p1 * p1 * inverse;
    numbers[o + DIAGONAL] = -total(DIAGONAL, sums);
    numbers[o + DIAGONAL_NORM] = total(DIAGONAL_NORM, sums) - p2 * p2 * inverse;
  }

  @Override
  protected void vectorItems(int from, int to) {
    new StarQualityVectors(this).sum(from, to);
  }
}

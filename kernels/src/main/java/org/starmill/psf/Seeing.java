package org.starmill.psf;

import java.util.Arrays;

/**
 * Makes a first guess of the FWHM, before any PSF is known.
 *
 * <p>About each bright peak the pixels above half of its height are counted, as far as they hang
 * together; their area A gives FWHM = 2 sqrt(A / pi). Cosmic rays and hot pixels, which fall to
 * nothing beside their peak, do not count. Of all peaks' values the mode is taken (half-sample
 * mode; Bickel and Fruehwirth 2006, Comp. Stat. Data Anal. 50, 3500), for galaxies and blends are
 * wider than stars but not alike.
 */
public final class Seeing {
  /** Most peaks that are looked at, the brightest first. */
  private static final int PEAKS = 300;

  /** How far about a peak pixels are counted; peaks nearer to the edge are not looked at. */
  public static final int REACH = 30;

  private Seeing() {}

  /**
   * Estimates the FWHM.
   *
   * @param image electrons, sky subtracted
   * @param base variance of the empty sky, 0 where a pixel must not be used
   * @param width columns
   * @param height rows
   * @param x columns of the peaks
   * @param y rows of the peaks
   * @param order numbers of the peaks, brightest first
   * @return pixels; NaN where no peak looks like a star
   */
  public static double fwhm(
      float[] image, float[] base, int width, int height, float[] x, float[] y, int[] order) {
    double[] found = new double[PEAKS];
    int n = 0;
    boolean[] taken = new boolean[order.length];
    int looked = 0;
    for (int k = 0; k < order.length && n < PEAKS && looked < 4 * PEAKS; k++) {
      if (taken[k]) {
        continue;
      }
      looked++;
      int px = Math.round(x[order[k]]);
      int py = Math.round(y[order[k]]);
      for (int l = k + 1; l < order.length; l++) {
        // The shoulders of a wide star have peaks of their own.
        if (Math.abs(x[order[l]] - px) < 10 && Math.abs(y[order[l]] - py) < 10) {
          taken[l] = true;
        }
      }
      double fwhm = widthAt(image, base, width, height, px, py);
      if (fwhm > 0) {
        found[n++] = Math.log(fwhm);
      }
    }
    return n == 0 ? Double.NaN : Math.exp(mode(Arrays.copyOf(found, n)));
  }

  private static double widthAt(
      float[] image, float[] base, int width, int height, int px, int py) {
    if (px < REACH || py < REACH || px >= width - REACH || py >= height - REACH) {
      return 0;
    }
    int top = py * width + px;
    for (int dy = -2; dy <= 2; dy++) {
      for (int dx = -2; dx <= 2; dx++) {
        int i = (py + dy) * width + px + dx;
        if (base[i] <= 0) {
          return 0;
        }
        if (image[i] > image[top]) {
          top = i;
        }
      }
    }
    float peak = image[top];
    int bright = 0;
    for (int step : new int[] {1, -1, width, -width}) {
      bright += image[top + step] > 0.12f * peak ? 1 : 0;
    }
    if (bright < 3 || !(peak > 0)) {
      return 0;
    }
    int side = 2 * REACH + 1;
    int x0 = top % width - REACH;
    int y0 = top / width - REACH;
    if (x0 < 0 || y0 < 0 || x0 + side > width || y0 + side > height) {
      return 0;
    }
    boolean[] seen = new boolean[side * side];
    int[] stack = new int[side * side];
    int depth = 0;
    int area = 0;
    stack[depth++] = REACH * side + REACH;
    seen[stack[0]] = true;
    while (depth > 0) {
      int at = stack[--depth];
      int sx = at % side;
      int sy = at / side;
      if (sx == 0 || sy == 0 || sx == side - 1 || sy == side - 1) {
        return 0;
      }
      if (base[(y0 + sy) * width + x0 + sx] <= 0) {
        return 0;
      }
      area++;
      for (int step : new int[] {1, -1, side, -side}) {
        int next = at + step;
        int i = (y0 + next / side) * width + x0 + next % side;
        if (!seen[next] && image[i] > 0.5f * peak) {
          seen[next] = true;
          stack[depth++] = next;
        }
      }
    }
    return 2 * Math.sqrt(area / Math.PI);
  }

  /** The middle of the densest half, again and again, until two or three values are left. */
  static double mode(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int from = 0;
    int count = sorted.length;
    while (count > 3) {
      int part = (count + 1) / 2;
      int best = from;
      for (int i = from; i + part <= from + count; i++) {
        if (sorted[i + part - 1] - sorted[i] < sorted[best + part - 1] - sorted[best]) {
          best = i;
        }
      }
      from = best;
      count = part;
    }
    double sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += sorted[i];
    }
    return sum / count;
  }
}

package org.starmill.psf;

import java.util.Arrays;

/**
 * Makes a first guess of the FWHM, before any PSF is known.
 *
 * <p>About each bright peak the pixels above half of its height are counted, as far as they hang
 * together; their area A gives FWHM = 2 sqrt(A / pi). Cosmic rays and hot pixels, which fall to
 * nothing beside their peak, do not count. Of all peaks' values the mode is taken (half-sample
 * mode; Bickel and Fruehwirth 2006, Comp. Stat. Data Anal. 50, 3500), for galaxies and blends are
 * wider than stars but not alike. Where stars are a few pixels wide an area is a coarse measure:
 * how far the logarithm of the light falls half a FWHM from the peak of the stars near the mode,
 * which for a Gaussian does not depend on where in its pixel the centre lies, gives the width.
 */
public final class Seeing {
  /** Most peaks that are looked at, the brightest first. */
  private static final int PEAKS = 300;

  /** How far about a peak pixels are counted; peaks nearer to the edge are not looked at. */
  public static final int REACH = 30;

  /** Difference of ln FWHM by the area up to which a star is one of those at the mode. */
  private static final double ALIKE = 0.2;

  /** Factor by which the FWHM may differ from the mode's. */
  private static final double MOST_CHANGE = 1.25;

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
    int[] top = new int[PEAKS];
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
      int peak = highest(image, base, width, height, px, py);
      double fwhm = peak < 0 ? 0 : widthAt(image, base, width, height, peak);
      if (fwhm > 0) {
        top[n] = peak;
        found[n++] = Math.log(fwhm);
      }
    }
    if (n == 0) {
      return Double.NaN;
    }
    double mode = mode(Arrays.copyOf(found, n));
    int alike = 0;
    for (int k = 0; k < n; k++) {
      if (Math.abs(found[k] - mode) < ALIKE) {
        top[alike++] = top[k];
      }
    }
    return finer(image, width, Math.exp(mode), Arrays.copyOf(top, alike));
  }

  /** FWHM of the profile itself, without the pixel's width, by the light beside some peaks. */
  private static double finer(float[] image, int width, double fwhm, int[] top) {
    int step = Math.max(1, (int) Math.round(fwhm / 2));
    double[] falls = new double[top.length];
    int n = 0;
    for (int i : top) {
      double beside = 1;
      for (int side : new int[] {-step, step, -step * width, step * width}) {
        beside *= Math.max(0, image[i + side] / image[i]);
      }
      if (beside > 0 && beside < 1) {
        falls[n++] = -0.25 * Math.log(beside);
      }
    }
    if (n == 0) {
      return fwhm;
    }
    Arrays.sort(falls, 0, n);
    double square = 4 * Math.log(2) * step * step / falls[n / 2] - 8 * Math.log(2) / 12;
    double finer = Math.sqrt(Math.max(0, square));
    return Math.max(fwhm / MOST_CHANGE, Math.min(fwhm * MOST_CHANGE, finer));
  }

  /** The highest pixel about a place; -1 near the edge and where one must not be used. */
  private static int highest(float[] image, float[] base, int width, int height, int px, int py) {
    if (px < REACH || py < REACH || px >= width - REACH || py >= height - REACH) {
      return -1;
    }
    int top = py * width + px;
    for (int dy = -2; dy <= 2; dy++) {
      for (int dx = -2; dx <= 2; dx++) {
        int i = (py + dy) * width + px + dx;
        if (base[i] <= 0) {
          return -1;
        }
        if (image[i] > image[top]) {
          top = i;
        }
      }
    }
    return top;
  }

  /** FWHM by the pixels above half of a peak; 0 for none. */
  private static double widthAt(float[] image, float[] base, int width, int height, int top) {
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

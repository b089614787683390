package org.starmill.measure;

import org.starmill.psf.PsfKernel;

/**
 * Fits position, flux and, if asked, a constant sky of one star by Levenberg-Marquardt.
 *
 * <p>The star is fitted on the image without the others: the residual of all stars' model plus the
 * star's own part of it. Minimised is
 *
 * <pre>
 *   chi^2 = sum over the stamp of (d_i - F P_i(x, y) - s)^2 / V_i,   V_i = base_i + u M_i + (c M_i)^2
 * </pre>
 *
 * with the model M of the pass before in the variance, so that V does not depend on the data. The
 * normal matrix H = J^T V^-1 J is damped by a factor on its diagonal (Marquardt 1963, SIAM J. 11,
 * 431). The errors are the square roots of the diagonal of H^-1 at the minimum; they are 0, and the
 * star is flagged as not converged, where H is singular. A fit whose chi^2 is not a number takes no
 * step.
 */
final class StarFitKernel extends PsfKernel {
  /** Places in {@link #work} for each item: two normal systems, a step, a triangle, PSF values. */
  static final int WORK = 72;

  private static final int SYSTEM = 16;
  private static final int STEP = 32;
  private static final int TRIANGLE = 40;
  private static final int VALUES = 56;

  int width;
  int height;

  /** Number of the star that is item 0. */
  int first;

  /** Half side of each star's stamp, and room for the pixels of the largest. */
  int[] radius;

  int stampArea;

  /** Half side of the core whose mask bits a star carries. */
  int coreMaskRadius;

  /** 3 for x, y, flux; 4 with the sky. */
  int parameters;

  int iterations;
  float maxShift;

  /** Relative error of the flat, squared. */
  float flatVariance;

  float[] residual;
  float[] model;
  float[] base;
  short[] mask;

  int[] centreX;
  int[] centreY;
  float[] form;

  /** Variance that one electron of the star brings, 1 / response. */
  float[] photon;

  /** In: where the model has the star. Out: the fit. */
  float[] offsetX;

  float[] offsetY;
  float[] flux;

  /** Out: electrons a pixel on top of the sky's. */
  float[] skyOffset;

  float[] errorX;
  float[] errorY;
  float[] errorFlux;
  float[] chi2;
  float[] sharp;
  float[] quality;
  float[] crowding;
  int[] flags;

  /** What is to be fitted, a stamp an item. */
  float[] target;

  float[] work;

  @Override
  public void item(int item) {
    int star = first + item;
    int t = item * stampArea;
    int w = item * WORK;
    gather(star, t);

    float x = offsetX[star];
    float y = offsetY[star];
    float f = flux[star];
    float s = 0f;
    float startX = x;
    float startY = y;
    int current = w;
    int trial = w + SYSTEM;
    float chi = accumulate(star, t, current, w, x, y, f, s);
    float lambda = 1e-3f;
    int done = 0;
    int converged = 0;
    int n = 0;
    while (done == 0 && n < iterations) {
      n++;
      int solved = solve(current, w, lambda);
      if (solved == 0) {
        done = 1;
      } else {
        float dx = work[w + STEP];
        float dy = work[w + STEP + 1];
        float df = work[w + STEP + 2];
        float ds = work[w + STEP + 3];
        // What the step takes off chi^2, to first order: below 1e-4, or a millionth of chi^2 (what
        // floats resolve), nothing is left to do.
        float gain = work[w + STEP + 4];
        // A step of more than a pixel leaves the region in which the PSF is nearly linear.
        float longest = max(abs(dx), abs(dy));
        if (longest > 0.7f) {
          dx = dx * 0.7f / longest;
          dy = dy * 0.7f / longest;
        }
        float tx = x + dx;
        float ty = y + dy;
        tx = startX + max(-maxShift, min(maxShift, tx - startX));
        ty = startY + max(-maxShift, min(maxShift, ty - startY));
        float tf = f + df;
        float ts = s + ds;
        float trialChi = accumulate(star, t, trial, w, tx, ty, tf, ts);
        if (trialChi <= chi * 1.000001f + 1e-4f) {
          // A step that gives less than half of what it promised went too far: about a faint
          // star's shallow minimum undamped steps swing to and fro.
          if (chi - trialChi < 0.5f * gain) {
            lambda = max(lambda * 10f, 0.3f);
          } else {
            lambda = max(lambda * 0.1f, 1e-7f);
          }
          x = tx;
          y = ty;
          f = tf;
          s = ts;
          chi = trialChi;
          int swap = current;
          current = trial;
          trial = swap;
          if (gain < 1e-4f + 1e-6f * chi) {
            converged = 1;
            done = 1;
          }
        } else {
          if (gain < 1e-4f + 1e-6f * chi) {
            converged = 1;
            done = 1;
          }
          lambda = lambda * 10f;
          if (lambda > 1e7f) {
            done = 1;
          }
        }
      }
    }

    int flag = 0;
    if (converged == 0) {
      flag = flag | StarFlag.NOT_CONVERGED;
    }
    if (max(abs(x - startX), abs(y - startY)) > 0.999f * maxShift) {
      flag = flag | StarFlag.AT_BOUND;
    }
    if (f < 0f) {
      flag = flag | StarFlag.NEGATIVE_FLUX;
    }
    offsetX[star] = x;
    offsetY[star] = y;
    flux[star] = f;
    skyOffset[star] = s;
    int regular = triangle(current, w, 0f);
    if (regular == 1) {
      errorX[star] = sqrt(inverseDiagonal(w, 0));
      errorY[star] = sqrt(inverseDiagonal(w, 1));
      errorFlux[star] = sqrt(inverseDiagonal(w, 2));
    } else {
      flag = flag | StarFlag.NOT_CONVERGED;
      errorX[star] = 0f;
      errorY[star] = 0f;
      errorFlux[star] = 0f;
    }
    float count = work[current + 15] - parameters;
    chi2[star] = chi / max(count, 1f);
    diagnose(star, t, w, x, y, f, s, flag);
  }

  /** Copies the residual about a star and adds the star's own part of the model. */
  private void gather(int star, int t) {
    int stampRadius = radius[star];
    int k = t;
    for (int py = -stampRadius; py <= stampRadius; py++) {
      int sy = centreY[star] + py;
      for (int px = -stampRadius; px <= stampRadius; px++) {
        int sx = centreX[star] + px;
        float value = 0f;
        if (sx >= 0 && sx < width && sy >= 0 && sy < height) {
          int i = sy * width + sx;
          if (base[i] > 0f) {
            float own =
                pixel(form, star * FORM, px - offsetX[star], py - offsetY[star], order(px, py));
            value = residual[i] + flux[star] * own;
          }
        }
        target[k] = value;
        k++;
      }
    }
  }

  /**
   * Sums the normal system at given parameters into work[o] on: lower triangle of H by rows (10),
   * gradient (4), chi^2, number of pixels. Returns chi^2.
   */
  private float accumulate(int star, int t, int o, int w, float x, float y, float f, float s) {
    float hxx = 0f;
    float hxy = 0f;
    float hyy = 0f;
    float hxf = 0f;
    float hyf = 0f;
    float hff = 0f;
    float hxs = 0f;
    float hys = 0f;
    float hfs = 0f;
    float hss = 0f;
    float gx = 0f;
    float gy = 0f;
    float gf = 0f;
    float gs = 0f;
    float chi = 0f;
    float count = 0f;
    float u = photon[star];
    int stampRadius = radius[star];
    int k = t;
    for (int py = -stampRadius; py <= stampRadius; py++) {
      int sy = centreY[star] + py;
      for (int px = -stampRadius; px <= stampRadius; px++) {
        int sx = centreX[star] + px;
        if (sx >= 0 && sx < width && sy >= 0 && sy < height) {
          int i = sy * width + sx;
          float variance = base[i];
          if (variance > 0f) {
            float m = max(model[i], 0f);
            float weight = 1f / (variance + m * (u + flatVariance * m));
            pixelAndSlopes(form, star * FORM, px - x, py - y, order(px, py), work, w + VALUES);
            float p = work[w + VALUES];
            float jx = f * work[w + VALUES + 1];
            float jy = f * work[w + VALUES + 2];
            float r = target[k] - f * p - s;
            float wr = weight * r;
            chi += wr * r;
            count += 1f;
            gx += wr * jx;
            gy += wr * jy;
            gf += wr * p;
            gs += wr;
            float wx = weight * jx;
            float wy = weight * jy;
            float wp = weight * p;
            hxx += wx * jx;
            hxy += wx * jy;
            hyy += wy * jy;
            hxf += wx * p;
            hyf += wy * p;
            hff += wp * p;
            hxs += wx;
            hys += wy;
            hfs += wp;
            hss += weight;
          }
        }
        k++;
      }
    }
    work[o] = hxx;
    work[o + 1] = hxy;
    work[o + 2] = hyy;
    work[o + 3] = hxf;
    work[o + 4] = hyf;
    work[o + 5] = hff;
    work[o + 6] = hxs;
    work[o + 7] = hys;
    work[o + 8] = hfs;
    work[o + 9] = hss;
    work[o + 10] = gx;
    work[o + 11] = gy;
    work[o + 12] = gf;
    work[o + 13] = gs;
    work[o + 14] = chi;
    work[o + 15] = count;
    return chi;
  }

  /** Cholesky triangle L of H with its diagonal raised by lambda; 0 where H is singular. */
  private int triangle(int o, int w, float lambda) {
    int regular = 1;
    int l = w + TRIANGLE;
    for (int i = 0; i < parameters; i++) {
      for (int j = 0; j <= i; j++) {
        float sum = work[o + i * (i + 1) / 2 + j];
        if (i == j) {
          sum = sum * (1f + lambda);
        }
        for (int k = 0; k < j; k++) {
          sum -= work[l + i * 4 + k] * work[l + j * 4 + k];
        }
        if (i == j) {
          if (sum > 0f) {
            work[l + i * 4 + i] = sqrt(sum);
          } else {
            regular = 0;
            work[l + i * 4 + i] = 1f;
          }
        } else {
          work[l + i * 4 + j] = sum / work[l + j * 4 + j];
        }
      }
    }
    return regular;
  }

  /** Solves for a step; work[w + STEP + 4] is what it takes off chi^2 to first order. */
  private int solve(int o, int w, float lambda) {
    int regular = triangle(o, w, lambda);
    int l = w + TRIANGLE;
    int d = w + STEP;
    work[d + 3] = 0f;
    for (int i = 0; i < parameters; i++) {
      float sum = work[o + 10 + i];
      for (int k = 0; k < i; k++) {
        sum -= work[l + i * 4 + k] * work[d + k];
      }
      work[d + i] = sum / work[l + i * 4 + i];
    }
    float gain = 0f;
    for (int i = 0; i < parameters; i++) {
      gain += work[d + i] * work[d + i];
    }
    work[d + 4] = gain;
    for (int i = parameters - 1; i >= 0; i--) {
      float sum = work[d + i];
      for (int k = i + 1; k < parameters; k++) {
        sum -= work[l + k * 4 + i] * work[d + k];
      }
      work[d + i] = sum / work[l + i * 4 + i];
    }
    return regular;
  }

  /** One element of the diagonal of H^-1, from its Cholesky triangle: |L^-1 e_n|^2. */
  private float inverseDiagonal(int w, int n) {
    int l = w + TRIANGLE;
    int d = w + STEP;
    float square = 0f;
    for (int i = 0; i < parameters; i++) {
      float sum = 0f;
      if (i == n) {
        sum = 1f;
      }
      for (int k = 0; k < i; k++) {
        sum -= work[l + i * 4 + k] * work[d + k];
      }
      float value = sum / work[l + i * 4 + i];
      work[d + i] = value;
      square += value * value;
    }
    return square;
  }

  /**
   * What the stamp says of the star besides its flux: share of good pixels, share of own flux,
   * sharpness and the bits of its core.
   *
   * <p>Sharpness is the change of ln FWHM that a fit would make, to first order: with D = dP / d ln
   * FWHM it is (sum r D / V) / (F sum D^2 / V).
   */
  private void diagnose(int star, int t, int w, float x, float y, float f, float s, int flag) {
    float all = 0f;
    float good = 0f;
    float own = 0f;
    float others = 0f;
    float wide = 0f;
    float wide2 = 0f;
    int bits = flag;
    int stampRadius = radius[star];
    int k = t;
    for (int py = -stampRadius; py <= stampRadius; py++) {
      int sy = centreY[star] + py;
      for (int px = -stampRadius; px <= stampRadius; px++) {
        int sx = centreX[star] + px;
        pixelAndSlopes(form, star * FORM, px - x, py - y, order(px, py), work, w + VALUES);
        float p = work[w + VALUES];
        all += p;
        if (sx >= 0 && sx < width && sy >= 0 && sy < height) {
          int i = sy * width + sx;
          if (abs(px - x) <= coreMaskRadius && abs(py - y) <= coreMaskRadius) {
            bits = bits | (mask[i] & 0xffff);
          }
          float variance = base[i];
          if (variance > 0f) {
            float m = max(model[i], 0f);
            float weight = 1f / (variance + m * (photon[star] + flatVariance * m));
            // dP/d ln W = -2 P - (X dP/dX + Y dP/dY), for the PSF scales with its width; and the
            // slopes here are those by the centre, of opposite sign.
            float d = (px - x) * work[w + VALUES + 1] + (py - y) * work[w + VALUES + 2] - 2f * p;
            float r = target[k] - f * p - s;
            good += p;
            own += p * f * p;
            others += p * max(residual[i] + m - target[k], 0f);
            wide += weight * r * d;
            wide2 += weight * d * d;
          }
        }
        k++;
      }
    }
    quality[star] = good / all;
    float share = 1f;
    if (own > 0f) {
      share = own / (own + others);
    }
    crowding[star] = share;
    float sharpness = 0f;
    if (f > 0f && wide2 > 0f) {
      sharpness = wide / (f * wide2);
    }
    sharp[star] = sharpness;
    if (share < 0.5f) {
      bits = bits | StarFlag.NEIGHBOUR_DOMINATES;
    }
    flags[star] = bits;
  }
}

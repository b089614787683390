package org.starmill.measure;

import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfTable;

/**
 * Measures one star in circular apertures, on the image without the others: adds the star's own
 * model to the residual of all stars, takes off the sky of a ring and sums the pixels by the area
 * of each that lies in the circle.
 *
 * <p>With overlaps o_i (exact, see {@link #overlap}), the star's flux F and PSF P_i, the residual
 * r_i and the local sky s
 *
 * <pre>
 *   flux     = sum over good pixels o_i (r_i + F P_i - s)  +  sum over the others o_i F P_i
 *   variance = sum o_i^2 V_i  +  (sum o_i)^2 var(s)  +  (sum over the others o_i P_i)^2 var(F)
 *   V_i      = base_i + u M_i + (c M_i)^2
 * </pre>
 *
 * where M is the model of all stars, u = 1 / response and c the relative error of flat and PSF. The
 * overlaps are squared in the variance, for noise that is independent from pixel to pixel. The
 * errors of the neighbours' own fluxes are not in it. A pixel without weight, or beyond the frame,
 * is filled with the star's model; where such pixels hold more than {@link #MOST_LOST} of the PSF's
 * light in an aperture its flux is NaN.
 *
 * <p>The sky is the mean of the residual over the good pixels whose centres lie in the ring,
 * weighted by 1 / V: first with the values cut at {@link #CUT} standard deviations of the empty
 * sky, then twice with those left out that are more than {@link #CLIP} of the ring's from the mean.
 * Its variance is 1 / sum(1 / V), times the reduced chi squared where that is above 1. With fewer
 * than {@link #LEAST_RING} pixels there is no sky and no flux.
 */
final class ApertureKernel extends PsfKernel {
  /** Share of an aperture's light on pixels without weight from which on its flux is NaN. */
  static final float MOST_LOST = 0.2f;

  static final float CUT = 5f;
  static final float CLIP = 3f;
  static final int LEAST_RING = 12;

  int width;
  int height;

  /** Pixels, growing; at least one. */
  float[] radius;

  int apertures;
  float skyInner;
  float skyOuter;

  /** Relative error of the model, squared. */
  float modelVariance;

  /** Electrons without the sky, with all stars of the model. */
  float[] image;

  float[] model;
  float[] base;

  int[] centreX;
  int[] centreY;
  float[] offsetX;
  float[] offsetY;
  float[] flux;
  float[] errorFlux;
  float[] form;

  /** Variance that one electron of the star brings, 1 / response. */
  float[] photon;

  /** Half side of the square, whole pixels about the star's own, in which the model has it. */
  int[] drawn;

  /** The PSF as the twin takes it; null where there is no Vector API. */
  PsfTable table;

  /** Out: a value a star. */
  float[] ringSky;

  float[] ringVariance;

  /** Out: a value a star and aperture, an aperture's one after the other. */
  float[] aperFlux;

  float[] aperError;

  /** Scratch, likewise: area on good pixels, light of the PSF there, and light elsewhere. */
  @Scratch float[] area;

  @Scratch float[] light;
  @Scratch float[] lost;

  @Override
  public void item(int star) {
    ring(star);
    circles(star);
  }

  @Override
  protected void vectorItems(int from, int to) {
    if (table == null) {
      super.vectorItems(from, to);
    } else {
      new ApertureVectors(this).items(from, to);
    }
  }

  /** Variance of a pixel of the residual. */
  protected float variance(int i, float gain) {
    float m = max(model[i], 0f);
    return base[i] + m * (gain + modelVariance * m);
  }

  /** Measures the local sky. */
  protected void ring(int star) {
    int cx = centreX[star];
    int cy = centreY[star];
    float x = offsetX[star];
    float y = offsetY[star];
    float gain = photon[star];
    float inner2 = skyInner * skyInner;
    float outer2 = skyOuter * skyOuter;
    int reach = (int) skyOuter + 1;
    int left = max(cx - reach, 0);
    int right = min(cx + reach, width - 1);
    int top = max(cy - reach, 0);
    int bottom = min(cy + reach, height - 1);
    float level = 0f;
    float limit2 = 0f;
    float weights = 0f;
    float chi2 = 1f;
    int count = 0;
    for (int pass = 0; pass < 3; pass++) {
      float sum = 0f;
      float square = 0f;
      weights = 0f;
      count = 0;
      for (int row = top; row <= bottom; row++) {
        float dy = row - cy - y;
        for (int column = left; column <= right; column++) {
          float dx = column - cx - x;
          float distance2 = dx * dx + dy * dy;
          int i = row * width + column;
          if (distance2 >= inner2 && distance2 < outer2 && base[i] > 0f) {
            float weight = 1f / variance(i, gain);
            float r = image[i] - model[i] - level;
            if (pass == 0) {
              float cut = CUT * sqrt(base[i]);
              r = max(-cut, min(cut, r));
            }
            float r2 = weight * r * r;
            if (pass == 0 || r2 < limit2) {
              sum += weight * r;
              square += r2;
              weights += weight;
              count++;
            }
          }
        }
      }
      if (count > 0) {
        float shift = sum / weights;
        level += shift;
        chi2 = max(1f, (square - shift * sum) / max(count - 1, 1));
        limit2 = CLIP * CLIP * chi2;
      }
    }
    settle(star, level, weights, chi2, count);
  }

  /** Writes the sky's level and variance; the variance is 0 where there is no sky. */
  protected void settle(int star, float level, float weights, float chi2, int count) {
    float sky = 0f;
    float variance = 0f;
    if (count >= LEAST_RING) {
      sky = level;
      variance = chi2 / weights;
    }
    ringSky[star] = sky;
    ringVariance[star] = variance;
  }

  /** Sums the pixels of all apertures. */
  protected void circles(int star) {
    int cx = centreX[star];
    int cy = centreY[star];
    float x = offsetX[star];
    float y = offsetY[star];
    float f = flux[star];
    float gain = photon[star];
    float sky = ringSky[star];
    int own = drawn[star];
    int first = star * apertures;
    for (int k = 0; k < apertures; k++) {
      aperFlux[first + k] = 0f;
      aperError[first + k] = 0f;
      area[first + k] = 0f;
      light[first + k] = 0f;
      lost[first + k] = 0f;
    }
    float largest = radius[apertures - 1];
    int reach = (int) (largest + 1.5f);
    for (int py = -reach; py <= reach; py++) {
      for (int px = -reach; px <= reach; px++) {
        float dx = px - x;
        float dy = py - y;
        if (overlap(dx, dy, largest) > 0f) {
          float p = pixel(form, star * FORM, dx, dy, order(px, py));
          int good = 0;
          float value = 0f;
          float noise = 0f;
          int column = cx + px;
          int row = cy + py;
          if (column >= 0 && column < width && row >= 0 && row < height) {
            int i = row * width + column;
            if (base[i] > 0f) {
              good = 1;
              noise = variance(i, gain);
              value = image[i] - model[i] - sky;
              if (px <= own && px >= -own && py <= own && py >= -own) {
                value += f * p;
              }
            }
          }
          for (int k = 0; k < apertures; k++) {
            float o = overlap(dx, dy, radius[k]);
            if (good == 1) {
              aperFlux[first + k] += o * value;
              aperError[first + k] += o * o * noise;
              area[first + k] += o;
              light[first + k] += o * p;
            } else {
              lost[first + k] += o * p;
            }
          }
        }
      }
    }
    for (int k = 0; k < apertures; k++) {
      int at = first + k;
      finish(star, at, aperFlux[at], aperError[at], area[at], light[at], lost[at]);
    }
  }

  /** Fills lost pixels, adds up the errors, and writes both. */
  protected void finish(
      int star, int at, float sum, float noise, float good, float seen, float unseen) {
    float filled = errorFlux[star] * unseen;
    float value = sum + flux[star] * unseen;
    float error = sqrt(noise + good * good * ringVariance[star] + filled * filled);
    if (ringVariance[star] <= 0f || unseen > MOST_LOST * (seen + unseen)) {
      value = Float.NaN;
      error = Float.NaN;
    }
    aperFlux[at] = value;
    aperError[at] = error;
  }

  /**
   * Area of a pixel that lies in a circle, exact.
   *
   * @param dx pixel's centre less the circle's
   * @param dy the same in y
   * @param r radius of the circle, pixels, 0.5 or more
   */
  protected float overlap(float dx, float dy, float r) {
    float ax = abs(dx);
    float ay = abs(dy);
    float nearX = max(ax - 0.5f, 0f);
    float nearY = max(ay - 0.5f, 0f);
    float farX = ax + 0.5f;
    float farY = ay + 0.5f;
    float whole = 0f;
    if (nearX * nearX + nearY * nearY < r * r) {
      if (farX * farX + farY * farY <= r * r) {
        whole = 1f;
      } else {
        // The circle's axes cut a pixel that holds one of them; each part lies in one quadrant.
        whole = inQuadrant(nearX, farX, nearY, farY, r);
        if (ax < 0.5f) {
          whole += inQuadrant(0f, 0.5f - ax, nearY, farY, r);
        }
        if (ay < 0.5f) {
          whole += inQuadrant(nearX, farX, 0f, 0.5f - ay, r);
          if (ax < 0.5f) {
            whole += inQuadrant(0f, 0.5f - ax, 0f, 0.5f - ay, r);
          }
        }
      }
    }
    return whole;
  }

  /**
   * Area of a rectangle of the first quadrant that lies in a circle about the origin.
   *
   * <p>From x0 to a, where the circle leaves through the rectangle's top, it is full; from there to
   * b, where the circle leaves through its bottom, or to x1, the area is the trapezoid under the
   * chord and the segment between chord and arc; beyond b it is empty.
   */
  protected float inQuadrant(float x0, float x1, float y0, float y1, float r) {
    float a = max(x0, min(x1, leg(r, y1)));
    float b = max(x0, min(x1, leg(r, y0)));
    float h0 = max(y0, min(y1, leg(r, x0)));
    float h1 = max(y0, min(y1, leg(r, x1)));
    float run = b - a;
    float fall = h0 - h1;
    return (a - x0) * (y1 - y0)
        + run * (0.5f * (h0 + h1) - y0)
        + segment(run * run + fall * fall, r);
  }

  /** sqrt(r^2 - x^2); 0 where there is none. */
  protected float leg(float r, float x) {
    return sqrt(max((r - x) * (r + x), 0f));
  }

  /**
   * Area between a chord and its arc of no more than a right angle.
   *
   * <p>With s = chord / 2r it is r^2 (asin s - s sqrt(1 - s^2)) = r^2 s^3 (2/3 + s^2 / 5 + ...);
   * the polynomial in s^2 agrees with the bracket to 3e-7 for s^2 up to 1/2 (interpolated at
   * Chebyshev nodes).
   *
   * @param chord2 square of the chord
   */
  protected float segment(float chord2, float r) {
    float s2 = chord2 / (4f * r * r);
    float s4 = s2 * s2;
    float low = 0.6666668f + 0.19997162f * s2;
    float middle = 0.10803059f + 0.059266235f * s2;
    float high = 0.10345308f - 0.09911104f * s2 + 0.17859228f * s4;
    return r * r * s2 * sqrt(s2) * (low + s4 * (middle + s4 * high));
  }
}

package org.starmill.psf;

import java.util.Arrays;

/** What a PSF leaves of single stars: those it was not fitted to, and the brightest of all. */
final class HeldOutStars {
  /** Fewest stars that a median, and that a trend is told from. */
  private static final int FEWEST = 5;

  private static final int FEWEST_FOR_TREND = 15;

  /** Half side of the square, in FWHM, whose residual is that of the flux. */
  private static final double FLUX_REACH = 2;

  private static final double CORE_REACH = 1.5;

  /** Brightest stars whose cores tell the model's error. */
  static final int BRIGHTEST = 100;

  private static final double GREATEST_ERROR = 0.1;

  /** Beyond, a pixel's square of pull counts no more. */
  private static final double CLIP = 16;

  private HeldOutStars() {}

  /**
   * Residuals of the stars that were held out.
   *
   * @param normal that has summed the systems with this PSF
   */
  static PsfHoldOut residuals(
      Psf psf,
      PsfStars stars,
      StarSystem[] systems,
      PsfNormalKernel normal,
      boolean[] alike,
      boolean[] held) {
    int n = 0;
    int[] chosen = new int[stars.count()];
    for (int i = 0; i < chosen.length; i++) {
      if (alike[i] && held[i] && normal.flux[i] > 0) {
        chosen[n++] = i;
      }
    }
    if (n < FEWEST) {
      return PsfHoldOut.NONE;
    }
    double[][] shape = new double[3][n];
    double[] flux = new double[n];
    double[] mag = new double[n];
    double[] x = new double[n];
    double[] y = new double[n];
    int radius = Math.min(normal.stampRadius, (int) Math.ceil(FLUX_REACH * psf.fwhm()));
    for (int k = 0; k < n; k++) {
      int star = chosen[k];
      for (int q = 0; q < 3; q++) {
        shape[q][k] = systems[star].ownShape[q];
      }
      double sum = 0;
      for (int py = -radius; py <= radius; py++) {
        for (int px = -radius; px <= radius; px++) {
          int at = place(normal, star, px, py);
          sum += normal.variance[at] > 0 ? normal.left[at] : 0;
        }
      }
      flux[k] = sum / normal.flux[star];
      mag[k] = -2.5 * Math.log10(normal.flux[star]);
      x[k] = stars.x(star) / psf.width();
      y[k] = stars.y(star) / psf.height();
    }
    boolean trends = n >= FEWEST_FOR_TREND;
    return new PsfHoldOut(
        n,
        median(shape[0]),
        scatter(shape[0]),
        median(shape[1]),
        scatter(shape[1]),
        median(shape[2]),
        scatter(shape[2]),
        median(flux),
        scatter(flux),
        trends ? slope(mag, shape[0]) : Double.NaN,
        trends ? slope(mag, flux) : Double.NaN,
        trends ? slope(x, shape[0]) : Double.NaN,
        trends ? slope(y, shape[0]) : Double.NaN);
  }

  private static int place(PsfNormalKernel normal, int star, int px, int py) {
    int radius = normal.stampRadius;
    return (star * (2 * radius + 1) + py + radius) * normal.stride + px + radius;
  }

  /**
   * The c for which a bright star's core has a reduced chi squared of 1 with the variance base + u
   * F P + (c F P)^2: the median over the brightest stars, for a few of them have companions that
   * are not known.
   */
  static double modelError(
      Psf psf, PsfStars stars, PsfNormalKernel normal, boolean[] alike, int most) {
    int[] brightest =
        java.util.stream.IntStream.range(0, stars.count())
            .filter(i -> alike[i] && normal.flux[i] > 0)
            .boxed()
            .sorted((a, b) -> Float.compare(normal.flux[b], normal.flux[a]))
            .limit(most)
            .mapToInt(Integer::intValue)
            .toArray();
    if (brightest.length < FEWEST) {
      return 0;
    }
    double[] errors = new double[brightest.length];
    for (int k = 0; k < errors.length; k++) {
      errors[k] = modelError(psf, normal, brightest[k]);
    }
    return median(errors);
  }

  /** The c of one star; 0 where its core is no further from the PSF than noise explains. */
  private static double modelError(Psf psf, PsfNormalKernel normal, int star) {
    if (coreChi2(psf, normal, star, 0) <= 1) {
      return 0;
    }
    double low = 0;
    double high = GREATEST_ERROR;
    for (int k = 0; k < 16; k++) {
      double middle = 0.5 * (low + high);
      if (coreChi2(psf, normal, star, middle) > 1) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  /** Reduced chi squared of a core; position and flux take three of its pixels. */
  static double coreChi2(Psf psf, PsfNormalKernel normal, int star, double error) {
    int radius = Math.min(normal.stampRadius, (int) Math.ceil(CORE_REACH * psf.fwhm()));
    double chi2 = 0;
    int pixels = 0;
    for (int py = -radius; py <= radius; py++) {
      for (int px = -radius; px <= radius; px++) {
        int at = place(normal, star, px, py);
        if (normal.variance[at] > 0) {
          double r = normal.left[at];
          double light = Math.max(0, normal.target[at] - r - normal.sky[star]);
          double variance =
              normal.variance[at] + light * normal.photon[star] + error * error * light * light;
          chi2 += Math.min(CLIP, r * r / variance);
          pixels++;
        }
      }
    }
    return chi2 / Math.max(1, pixels - 3);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
  }

  private static double scatter(double[] values) {
    double median = median(values);
    double[] deviations = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      deviations[i] = Math.abs(values[i] - median);
    }
    return 1.4826 * median(deviations);
  }

  /** Median of the slopes of all pairs (Sen 1968, JASA 63, 1379). */
  private static double slope(double[] x, double[] y) {
    int n = x.length;
    double[] slopes = new double[n * (n - 1) / 2];
    int count = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        if (x[i] != x[j]) {
          slopes[count++] = (y[i] - y[j]) / (x[i] - x[j]);
        }
      }
    }
    return count == 0 ? Double.NaN : median(Arrays.copyOf(slopes, count));
  }
}

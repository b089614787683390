package org.starmill.measure;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.starmill.psf.Psf;

/**
 * Takes apart stars whose residuals say that they are two.
 *
 * <p>Two stars closer than about three quarters of a FWHM leave a single peak; fitted as one they
 * leave a residual that is long in one direction. In the terms of {@link StarQualityKernel} a blend
 * at angle t adds (D0 + cos 2t D1 + sin 2t D2) / 2 times F g, g = f1 f2 / F^2 times d^2 / (2 s^2)
 * for fluxes f1 + f2 = F at distance d and a PSF of standard deviation s. The response to that,
 * over its error, is what three more parameters would take off chi^2: where it is significant, and
 * g is more than what PSF stars show, the star is put in place by two halves along the direction,
 * and the fit decides.
 */
final class Blends {
  /** FWHM: two stars closer than that are one. */
  static final double CLOSEST = 0.35;

  /** Significance of the response; of 50,000 single stars fewer than a hundred exceed it. */
  private static final double SIGNIFICANT = 2.8;

  /** Least g, and in units of its robust width among the bright stars. */
  private static final double LEAST_GROWTH = 0.01;

  private static final double GROWTH_WIDTHS = 4;

  /** Significance, and least change of ln FWHM, from which on a round star is no star. */
  private static final double EXTENDED = 10;

  private static final double LEAST_EXTENT = 0.1;

  /** Standard deviations by which a star must be rounder than a blend to be none. */
  private static final double ROUND = 2;

  /** Signal-to-noise of the stars that tell how well the PSF describes stars. */
  private static final double BRIGHT = 150;

  /** FWHM: with a neighbour closer than that the residual is not the star's alone. */
  private static final double ALONE = 1;

  /** Distance at which the halves start, in FWHM. */
  private static final double LEAST_DISTANCE = 0.45;

  private static final double MOST_DISTANCE = 1.2;

  private Blends() {}

  /**
   * Splits stars in place: the first half stays where the star is in the list, the second is
   * appended.
   *
   * @param solver that the stars are arranged in
   * @param whole whether a star must stay as it is: of a saturated one the core is not seen
   * @return whether any was split
   */
  static boolean split(StarList stars, StarSolver solver, Psf psf, IntPredicate whole) {
    float[] numbers = solver.quality(stars);
    int n = stars.count();
    float[] growth = new float[n];
    boolean[] split = new boolean[n];
    float[] bright = new float[n];
    int brightCount = 0;
    float usual = usualSize(stars, numbers);
    for (int i = 0; i < n; i++) {
      int o = i * StarQualityKernel.NUMBERS;
      float sizeNorm = numbers[o + StarQualityKernel.SIZE_NORM];
      float size = numbers[o + StarQualityKernel.SIZE] - usual * stars.flux[i] * sizeNorm;
      float along = numbers[o + StarQualityKernel.LONG];
      float across = numbers[o + StarQualityKernel.DIAGONAL];
      double turned = Math.hypot(along, across);
      double longNorm =
          turned > 0
              ? (along * along * numbers[o + StarQualityKernel.LONG_NORM]
                      + across * across * numbers[o + StarQualityKernel.DIAGONAL_NORM])
                  / (turned * turned)
              : 0;
      double norm = sizeNorm + longNorm;
      double response = size + turned;
      if (norm > 0 && stars.flux[i] > 0) {
        growth[i] = (float) (2 * response / (stars.flux[i] * norm));
        split[i] =
            response > SIGNIFICANT * Math.sqrt(norm) && !isRound(size, sizeNorm, turned, longNorm);
        if (stars.flux[i] > BRIGHT * stars.errorFlux[i]) {
          bright[brightCount++] = growth[i];
        }
      }
    }
    double least = LEAST_GROWTH;
    if (brightCount > 0) {
      Arrays.sort(bright, 0, brightCount);
      double median = bright[brightCount / 2];
      // The lower quartile: blends lie above.
      double width = (median - bright[brightCount / 4]) / 0.6745;
      least = Math.max(least, median + GROWTH_WIDTHS * width);
    }
    int count = 0;
    for (int i = 0; i < n; i++) {
      split[i] &=
          growth[i] > least && !whole.test(i) && solver.nearest(stars, i) > ALONE * psf.fwhm();
      count += split[i] ? 1 : 0;
    }
    if (count == 0) {
      return false;
    }
    boolean[] chosen = split;
    solver.add(stars, IntStream.range(0, n).filter(i -> chosen[i]).toArray(), -1f);
    stars.extend(count);
    int next = n;
    double sigma = psf.fwhm() / 2.355;
    for (int i = 0; i < n; i++) {
      if (split[i]) {
        int o = i * StarQualityKernel.NUMBERS;
        double angle =
            0.5
                * Math.atan2(
                    numbers[o + StarQualityKernel.DIAGONAL], numbers[o + StarQualityKernel.LONG]);
        double distance = sigma * Math.sqrt(8 * growth[i]);
        distance =
            Math.max(LEAST_DISTANCE * psf.fwhm(), Math.min(MOST_DISTANCE * psf.fwhm(), distance));
        stars.divide(i, next++, 0.5 * distance * Math.cos(angle), 0.5 * distance * Math.sin(angle));
      }
    }
    return true;
  }

  /**
   * Median change of ln FWHM that the bright stars ask for: what the PSF is off by, and no sign of
   * companions.
   */
  private static float usualSize(StarList stars, float[] numbers) {
    int n = stars.count();
    float[] sizes = new float[n];
    int count = 0;
    for (int i = 0; i < n; i++) {
      float norm = numbers[i * StarQualityKernel.NUMBERS + StarQualityKernel.SIZE_NORM];
      if (norm > 0 && stars.flux[i] > BRIGHT * stars.errorFlux[i]) {
        sizes[count++] =
            numbers[i * StarQualityKernel.NUMBERS + StarQualityKernel.SIZE]
                / (stars.flux[i] * norm);
      }
    }
    Arrays.sort(sizes, 0, count);
    return count == 0 ? 0f : sizes[count / 2];
  }

  /** Whether a star is wider in all directions, as galaxies are: a blend's D1 and D2 are its D0. */
  private static boolean isRound(double size, double sizeNorm, double turned, double longNorm) {
    if (!(sizeNorm > 0 && longNorm > 0)) {
      return true;
    }
    double wider = size / sizeNorm;
    double longer = turned / longNorm;
    double error = Math.sqrt(0.25 / sizeNorm + 1 / longNorm);
    return 0.5 * wider - longer > ROUND * error;
  }

  /**
   * Which of some stars are wider than the PSF in all directions, beyond noise: what they leave
   * about themselves is their own light, as that of galaxies, and no companions'. In a knot of
   * stars no single one is told.
   *
   * @param asked the stars that are looked at; of the others it is not known
   */
  static boolean[] extended(StarList stars, StarSolver solver, Psf psf, boolean[] asked) {
    boolean[] extended = new boolean[stars.count()];
    int[] chosen =
        IntStream.range(0, stars.count())
            .filter(i -> asked[i] && solver.nearest(stars, i) > 2 * psf.fwhm())
            .toArray();
    float[] numbers = solver.quality(stars, chosen);
    for (int i : chosen) {
      int o = i * StarQualityKernel.NUMBERS;
      float size = numbers[o + StarQualityKernel.SIZE];
      float sizeNorm = numbers[o + StarQualityKernel.SIZE_NORM];
      double along = numbers[o + StarQualityKernel.LONG];
      double across = numbers[o + StarQualityKernel.DIAGONAL];
      extended[i] =
          size > EXTENDED * Math.sqrt(sizeNorm)
              && size > LEAST_EXTENT * stars.flux[i] * sizeNorm
              && isRound(
                  size,
                  sizeNorm,
                  Math.hypot(along, across),
                  Math.max(
                      numbers[o + StarQualityKernel.LONG_NORM],
                      numbers[o + StarQualityKernel.DIAGONAL_NORM]));
    }
    return extended;
  }
}

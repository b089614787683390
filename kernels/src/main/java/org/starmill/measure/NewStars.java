package org.starmill.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.starmill.detect.Peaks;
import org.starmill.detect.Surroundings;
import org.starmill.psf.Psf;

/**
 * Tells which peaks of a search are stars that were not known.
 *
 * <p>A peak must stand out of the ring about it and of the structure that is no star's; of a
 * saturated star's one is left; and beside known stars it must be more than what a PSF not quite
 * right, or a galaxy taken for a star, leaves of them. One for each image.
 */
final class NewStars {
  /**
   * Share of the model's brightness by which a peak of the residual must stand out of it: the least
   * and the most, and how it grows with the PSF stars' reduced chi squared. A PSF that does not
   * describe its own stars must not be trusted to show their companions.
   */
  private static final double LEAST_SHARE = 0.2;

  private static final double MOST_SHARE = 1.5;
  private static final double SHARE_BY_CHI2 = 8;

  /**
   * By how much the threshold is lower for companions of known stars, and how far from them: blends
   * are likelier there than noise, and one that is not found spoils two fluxes.
   */
  private static final double COMPANION = 1.0;

  private static final double COMPANION_FWHM = 2.5;

  /** Share of an extended source's flux that a peak beside it needs to be no part of it. */
  private static final double EXTENDED_SHARE = 0.15;

  /** Significance below which no star is looked for, however near it is to others. */
  private static final double LEAST_THRESHOLD = 3;

  private final Planes planes;
  private final Surroundings surroundings;
  private final double threshold;

  /** Made when first asked for, and again where trails were masked: what they fill is no star. */
  private SaturatedPatches patches;

  /**
   * @param threshold significance of a star that stands alone
   */
  NewStars(Planes planes, Surroundings surroundings, double threshold) {
    this.planes = planes;
    this.surroundings = surroundings;
    this.threshold = threshold;
  }

  /** The PSF that is searched with. */
  float[] searchPsf(Psf psf) {
    return middle(psf, Math.max(3, (int) Math.round(1.5 * psf.fwhm())));
  }

  private float[] middle(Psf psf, int radius) {
    return psf.stampAt((planes.width - 1) / 2.0, (planes.height - 1) / 2.0, radius);
  }

  /** Finds the saturated pixels anew when next asked for: some were masked for another reason. */
  void forgetSaturated() {
    patches = null;
  }

  /** Measures the structure that is no star's, with the stars known so far taken off. */
  void measureStructure(Psf psf) {
    surroundings.measure(
        planes.image,
        planes.base,
        planes.model,
        planes.width,
        planes.height,
        searchPsf(psf),
        psf.fwhm());
  }

  SaturatedPatches saturated() {
    if (patches == null) {
      patches = new SaturatedPatches(planes.mask, planes.width, planes.height);
    }
    return patches;
  }

  /**
   * Leaves one peak to each patch of saturated pixels, the most significant: about a masked core
   * the filter sees a ring, whose maxima are not stars. Others must stand out of what surrounds
   * them.
   */
  int[] first(Peaks peaks, Psf psf) {
    int reach = Math.max(2, (int) Math.ceil(psf.fwhm()));
    SaturatedPatches patches = saturated();
    List<Integer> chosen = new ArrayList<>();
    List<Integer> others = new ArrayList<>();
    boolean[] claimed = new boolean[patches.count()];
    int[] order = peaks.brightestFirst();
    for (int k : order) {
      int patch = patches.near(peaks.x()[k], peaks.y()[k], reach);
      if (patch < 0) {
        others.add(k);
      } else if (!claimed[patch]) {
        claimed[patch] = true;
        peaks.x()[k] = (float) patches.x(patch);
        peaks.y()[k] = (float) patches.y(patch);
        chosen.add(k);
      }
    }
    // By place: their surroundings are still in the cache.
    int[] asked = others.stream().mapToInt(Integer::intValue).sorted().toArray();
    float[] above = aboveSurroundings(peaks, asked, psf);
    for (int k = 0; k < asked.length; k++) {
      if (above[k] >= threshold) {
        chosen.add(asked[k]);
      }
    }
    return chosen.stream().mapToInt(Integer::intValue).sorted().toArray();
  }

  private float[] aboveSurroundings(Peaks peaks, int[] chosen, Psf psf) {
    return surroundings.significance(
        peaks,
        chosen,
        planes.image,
        planes.base,
        planes.model,
        planes.width,
        planes.height,
        searchPsf(psf),
        psf.fwhm());
  }

  /**
   * Takes a peak of the residual for a star where it stands out of the model by a share of the
   * model's own brightness and no star is known within a pixel or half a FWHM: else it is what a
   * PSF not quite right leaves of a bright star. It must stand out of what surrounds it as well.
   */
  int[] further(Peaks peaks, StarList stars, StarSolver solver, Psf psf, double psfChi2) {
    double closest = Math.max(1, 0.5 * psf.fwhm());
    StarGrid grid = new StarGrid(stars, planes.width, planes.height, Math.max(8, 4 * psf.fwhm()));
    SaturatedPatches patches = saturated();
    int reach = Math.max(2, (int) Math.ceil(2 * psf.fwhm()));
    double share = Math.min(MOST_SHARE, LEAST_SHARE + SHARE_BY_CHI2 * Math.max(0, psfChi2 - 1));
    float peakShare = middle(psf, 0)[0];
    double beside = COMPANION_FWHM * psf.fwhm();
    boolean[] companion = new boolean[peaks.count()];
    int[] candidates =
        IntStream.range(0, peaks.count())
            .filter(
                k -> {
                  float x = peaks.x()[k];
                  float y = peaks.y()[k];
                  int i = Math.round(y) * planes.width + Math.round(x);
                  if (!(peaks.flux()[k] * peakShare > share * planes.model[i])) {
                    return false;
                  }
                  boolean[] known = {false};
                  grid.near(
                      x,
                      y,
                      beside,
                      star -> {
                        companion[k] = true;
                        double dx = stars.x(star) - x;
                        double dy = stars.y(star) - y;
                        known[0] |= dx * dx + dy * dy < closest * closest;
                      });
                  return !known[0]
                      && (companion[k] || peaks.significance()[k] >= threshold)
                      && patches.near(x, y, reach) < 0;
                })
            .toArray();
    float[] above = aboveSurroundings(peaks, candidates, psf);
    int[] standing =
        IntStream.range(0, candidates.length)
            .filter(k -> above[k] >= (companion[candidates[k]] ? nearThreshold() : threshold))
            .map(k -> candidates[k])
            .toArray();
    // Few stars are so much brighter than a peak beside them that it may be their own light.
    boolean[] asked = new boolean[stars.count()];
    for (int k : standing) {
      grid.near(
          peaks.x()[k],
          peaks.y()[k],
          beside,
          star -> asked[star] |= peaks.flux()[k] < EXTENDED_SHARE * stars.flux[star]);
    }
    boolean[] extended = Blends.extended(stars, solver, psf, asked);
    return Arrays.stream(standing)
        .filter(
            k -> {
              boolean[] part = {false};
              grid.near(
                  peaks.x()[k],
                  peaks.y()[k],
                  beside,
                  star ->
                      part[0] |=
                          extended[star] && peaks.flux()[k] < EXTENDED_SHARE * stars.flux[star]);
              return !part[0];
            })
        .toArray();
  }

  /** Significance that a companion of a known star needs. */
  double nearThreshold() {
    return Math.min(threshold, Math.max(LEAST_THRESHOLD, threshold - COMPANION));
  }
}

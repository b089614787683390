package org.starmill.measure;

import java.util.stream.IntStream;
import org.starmill.psf.Psf;

/**
 * Says of every fitted star how far it is to be trusted: its quality, crowding and sharpness, and
 * the flags of {@link StarFlag}, from what its stamp shows with the final model.
 */
final class StarVerdicts {
  /**
   * Standard deviations by which chi squared, size or shape of a star must be off to say that its
   * fit is poor; and the least change of size or shape, which no flux is wrong by.
   */
  private static final double POOR = 5;

  private static final double LEAST_CHANGE = 0.03;

  /**
   * A star with less of its PSF on good pixels is dropped: the wings of a saturated one suffice.
   */
  private static final float LEAST_QUALITY = 0.003f;

  private StarVerdicts() {}

  /** Says of every star what its stamp shows, drops those without pixels, and sorts the rest. */
  static void judge(StarList stars, StarSolver solver, Psf psf, Planes planes) {
    int n = stars.count();
    float[] numbers = solver.quality(stars);
    float way = 0.999f * solver.longestWay();
    int core = Math.max(1, (int) Math.round(psf.fwhm() / 2));
    boolean[] kept = new boolean[n];
    for (int i = 0; i < n; i++) {
      int o = i * StarQualityKernel.NUMBERS;
      float flux = stars.flux[i];
      stars.skyOffset[i] = solver.sky(i);
      stars.chi2[i] = solver.chi2(i) / Math.max(1, solver.pixels(i) - 3);
      stars.quality[i] = numbers[o + StarQualityKernel.GOOD] / numbers[o + StarQualityKernel.ALL];
      float own = numbers[o + StarQualityKernel.OWN_LIGHT];
      float others = numbers[o + StarQualityKernel.OTHER_LIGHT];
      stars.crowding[i] = own > 0 ? own / (own + others) : 1f;
      float norm = numbers[o + StarQualityKernel.SIZE_NORM];
      stars.sharp[i] = norm > 0 ? numbers[o + StarQualityKernel.SIZE] / (flux * norm) : 0f;
      int flags = coreBits(planes, stars.centreX[i], stars.centreY[i], core);
      if (!(stars.moved[i] >= 0 && stars.moved[i] < 0.3f)) {
        flags |= StarFlag.NOT_CONVERGED;
      }
      if (Math.abs(stars.x(i) - stars.anchorX[i]) > way
          || Math.abs(stars.y(i) - stars.anchorY[i]) > way) {
        flags |= StarFlag.AT_BOUND;
      }
      if (stars.crowding[i] < 0.5f) {
        flags |= StarFlag.NEIGHBOUR_DOMINATES;
      }
      if (stars.crowding[i] < 0.99f || solver.hasNeighbours(i)) {
        flags |= StarFlag.FITTED_WITH_NEIGHBOURS;
      }
      if (solver.nearest(stars, i) < psf.fwhm()) {
        flags |= StarFlag.BLENDED;
      }
      if (contradicts(numbers, o, flux)) {
        flags |= StarFlag.POOR_FIT;
      }
      if (stars.leftOut[i] > 0) {
        flags |= StarFlag.WORK_LIMIT;
      }
      stars.flags[i] = flags;
      kept[i] =
          Float.isFinite(flux)
              && flux > 0
              && stars.errorFlux[i] > 0
              && stars.isFinite(i)
              && stars.quality[i] > LEAST_QUALITY
              && Float.isFinite(stars.chi2[i])
              && Float.isFinite(stars.sharp[i])
              && Float.isFinite(stars.crowding[i]);
    }
    stars.keep(IntStream.range(0, n).filter(i -> kept[i]).toArray());
    stars.sort();
  }

  /** Whether the pixels of a star's core contradict the model beyond noise. */
  private static boolean contradicts(float[] numbers, int o, float flux) {
    float pixels = numbers[o + StarQualityKernel.PIXELS];
    double chi2 = numbers[o + StarQualityKernel.CHI2] / Math.max(1, pixels);
    if (chi2 > 1 + POOR * Math.sqrt(2 / Math.max(1, pixels))) {
      return true;
    }
    float size = numbers[o + StarQualityKernel.SIZE];
    float sizeNorm = numbers[o + StarQualityKernel.SIZE_NORM];
    float along = numbers[o + StarQualityKernel.LONG];
    float alongNorm = numbers[o + StarQualityKernel.LONG_NORM];
    float across = numbers[o + StarQualityKernel.DIAGONAL];
    float acrossNorm = numbers[o + StarQualityKernel.DIAGONAL_NORM];
    double longer = Math.sqrt(along * along / alongNorm + across * across / acrossNorm);
    double longerBy = Math.hypot(along / alongNorm, across / acrossNorm) / flux;
    return (Math.abs(size) > POOR * Math.sqrt(sizeNorm)
            && Math.abs(size) > LEAST_CHANGE * flux * sizeNorm)
        || (longer > POOR && longerBy > LEAST_CHANGE);
  }

  /** Bits of the pixels about a star's centre. */
  private static int coreBits(Planes planes, int cx, int cy, int core) {
    int bits = 0;
    for (int y = Math.max(0, cy - core); y <= Math.min(planes.height - 1, cy + core); y++) {
      for (int x = Math.max(0, cx - core); x <= Math.min(planes.width - 1, cx + core); x++) {
        bits |= planes.mask[y * planes.width + x] & 0xffff;
      }
    }
    return bits;
  }
}

package org.starmill.measure;

import java.util.ArrayList;
import java.util.List;
import org.starmill.psf.Psf;

/**
 * Chooses the stars that the PSF is fitted to: bright, unsaturated ones inside the frame, whole on
 * good pixels and with no neighbour of a tenth of their flux within three FWHM.
 */
final class PsfStarChoice {
  private PsfStarChoice() {}

  /**
   * Chooses.
   *
   * @param most stars
   * @return their numbers, brightest first
   */
  static int[] of(StarList stars, Psf psf, Planes planes, int most) {
    int[] order = stars.byFlux();
    double reach = 3 * psf.fwhm();
    int core = Math.max(1, (int) Math.ceil(1.5 * psf.fwhm()));
    StarGrid grid = new StarGrid(stars, planes.width, planes.height, Math.max(8, reach));
    List<Integer> bright = new ArrayList<>();
    List<Integer> fair = new ArrayList<>();
    for (int star : order) {
      double signal = stars.flux[star] / Math.max(stars.errorFlux[star], 1e-9);
      if (!(signal > 20) || bright.size() >= most) {
        continue;
      }
      if (!clean(stars, planes, star, core)) {
        continue;
      }
      boolean[] alone = {true};
      grid.near(
          stars.x(star),
          stars.y(star),
          reach,
          other -> alone[0] &= other == star || stars.flux[other] < 0.1f * stars.flux[star]);
      if (alone[0]) {
        (signal > 50 ? bright : fair).add(star);
      }
    }
    if (bright.size() < 50) {
      bright.addAll(fair.subList(0, Math.min(fair.size(), 50 - bright.size())));
    }
    return bright.stream().mapToInt(Integer::intValue).toArray();
  }

  private static boolean clean(StarList stars, Planes planes, int star, int core) {
    int cx = stars.centreX[star];
    int cy = stars.centreY[star];
    if (cx < core || cy < core || cx >= planes.width - core || cy >= planes.height - core) {
      return false;
    }
    for (int y = cy - core; y <= cy + core; y++) {
      for (int x = cx - core; x <= cx + core; x++) {
        if (planes.base[y * planes.width + x] <= 0) {
          return false;
        }
      }
    }
    return true;
  }
}

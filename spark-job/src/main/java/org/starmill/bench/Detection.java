package org.starmill.bench;

import org.starmill.image.PixelFlag;
import org.starmill.measure.StarFlag;

/**
 * A row of the catalog.
 *
 * @param x column of the centre, pixels
 * @param y row of the centre
 * @param flux electrons
 * @param fluxErr electrons
 * @param mag of the flux
 * @param flags of the catalog
 * @param crowding by true stars other than the one it stands for
 * @param isTrue whether a true star explains it
 * @param nearBadPixel whether a bad pixel lies within two pixels of its centre
 */
record Detection(
    double x,
    double y,
    double flux,
    double fluxErr,
    double mag,
    int flags,
    Crowding crowding,
    boolean isTrue,
    boolean nearBadPixel) {

  /** Flags that tell of a circumstance and not of a doubt about the star's values. */
  private static final int NO_WARNING =
      StarFlag.FITTED_WITH_NEIGHBOURS | PixelFlag.EDGE | PixelFlag.LOW_RESPONSE;

  /** Whether a flag warns of its values. */
  boolean isWarned() {
    return (flags & ~NO_WARNING) != 0;
  }

  /** The same with the flux and its error divided. */
  Detection divided(double factor) {
    return new Detection(
        x,
        y,
        flux / factor,
        fluxErr / factor,
        mag + 2.5 * Math.log10(factor),
        flags,
        crowding,
        isTrue,
        nearBadPixel);
  }

  double significance() {
    return flux / fluxErr;
  }
}

package org.starmill.catalog;

import org.starmill.measure.Stars;

/**
 * Magnitudes of the stars of one image, with their errors.
 *
 * <p>{@code mag = zeroPoint - 2.5 log10(flux / exptime)} and, to first order, {@code magErr = 2.5 /
 * ln 10 * fluxErr / flux}; NaN where the flux is not above 0.
 *
 * @param mag a value a star
 * @param magErr one standard deviation
 */
public record Magnitudes(float[] mag, float[] magErr) {
  /** Stands where no zero point is known. */
  public static final double INSTRUMENTAL_ZERO_POINT = 25;

  private static final double ERROR_FACTOR = 2.5 / Math.log(10);

  /**
   * Magnitudes on the scale of a zero point.
   *
   * @param exposureSeconds above 0
   * @param zeroPoint magnitude of one electron a second; NaN takes the instrumental one, 25
   */
  public static Magnitudes of(Stars stars, double exposureSeconds, double zeroPoint) {
    float[] mag = new float[stars.count()];
    float[] magErr = new float[stars.count()];
    for (int i = 0; i < mag.length; i++) {
      mag[i] = (float) of(stars.flux()[i], exposureSeconds, zeroPoint);
      magErr[i] =
          Float.isNaN(mag[i])
              ? Float.NaN
              : (float) (ERROR_FACTOR * stars.fluxErr()[i] / stars.flux()[i]);
    }
    return new Magnitudes(mag, magErr);
  }

  /** The magnitude of one flux; NaN where the flux is not above 0. */
  public static double of(double flux, double exposureSeconds, double zeroPoint) {
    double scale = Double.isNaN(zeroPoint) ? INSTRUMENTAL_ZERO_POINT : zeroPoint;
    return flux > 0 ? scale - 2.5 * Math.log10(flux / exposureSeconds) : Double.NaN;
  }
}

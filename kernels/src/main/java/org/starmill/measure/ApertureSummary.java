package org.starmill.measure;

/**
 * What an image's apertures hold of a star's light: the curve of growth and the correction to the
 * PSF flux.
 *
 * <p>Taken over bright, unsaturated, isolated stars; every array has a value a radius, NaN where
 * too few stars were left.
 *
 * @param radius of the apertures, pixels
 * @param growth mean over the stars of aperture flux / PSF flux: the curve of growth
 * @param correction median of PSF flux / aperture flux: what an aperture flux is multiplied by to
 *     become a flux on the scale of the PSF's
 * @param correctionErr one standard deviation of the correction
 * @param correctionScatter 1.4826 times the median absolute deviation of PSF flux / aperture flux
 * @param stars number of stars it was taken from
 */
public record ApertureSummary(
    double[] radius,
    double[] growth,
    double[] correction,
    double[] correctionErr,
    double[] correctionScatter,
    int stars)
    implements java.io.Serializable {
  /** No apertures. */
  public static final ApertureSummary NONE =
      new ApertureSummary(
          new double[0], new double[0], new double[0], new double[0], new double[0], 0);
}

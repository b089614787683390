package org.starmill.psf;

/**
 * How well the PSF describes stars that it was not fitted to: the residuals, star less PSF, of
 * those that were held out.
 *
 * <p>A trend of the size with magnitude betrays charge that is deferred or repelled (brighter-
 * fatter), one with position a PSF that varies more than its polynomials can. What cannot be told
 * from so few stars is NaN.
 *
 * @param stars number of stars held out and used here
 * @param size median residual of ln FWHM
 * @param sizeScatter 1.4826 times its median absolute deviation
 * @param e1 median residual of the ellipticity along the axes
 * @param e1Scatter 1.4826 times its median absolute deviation
 * @param e2 median residual of the ellipticity along the diagonals
 * @param e2Scatter 1.4826 times its median absolute deviation
 * @param flux median residual of flux, as a share of the flux
 * @param fluxScatter 1.4826 times its median absolute deviation
 * @param sizeByMag slope of the size's residual, a magnitude; above 0 faint stars are wider
 * @param fluxByMag slope of the flux's residual, a magnitude
 * @param sizeByX slope of the size's residual from the left edge to the right
 * @param sizeByY slope of the size's residual from the first row to the last
 */
public record PsfHoldOut(
    int stars,
    double size,
    double sizeScatter,
    double e1,
    double e1Scatter,
    double e2,
    double e2Scatter,
    double flux,
    double fluxScatter,
    double sizeByMag,
    double fluxByMag,
    double sizeByX,
    double sizeByY)
    implements java.io.Serializable {
  private static final double UNKNOWN = Double.NaN;

  /** No star was held out. */
  public static final PsfHoldOut NONE =
      new PsfHoldOut(
          0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
          UNKNOWN, UNKNOWN, UNKNOWN);
}

package org.starmill.measure;

/**
 * The stars of one image, a column a quantity, sorted by y, then x.
 *
 * <p>All arrays have a value a star; all values but those of apertures are finite, all errors of
 * fluxes are above 0. The errors hold what the neighbours' own positions and fluxes are uncertain
 * by.
 *
 * @param x column of the centre, pixels, 0 at the centre of the first pixel
 * @param y row of the centre
 * @param xErr one standard deviation, pixels
 * @param yErr one standard deviation, pixels
 * @param flux electrons, of the whole PSF to infinity
 * @param fluxErr one standard deviation, electrons
 * @param sky electrons a pixel under the star
 * @param chi2 reduced chi squared of the fit, over the good pixels of the star's stamp
 * @param sharp how much wider (above 0) or narrower (below) than the PSF the star is: the change of
 *     ln FWHM that would fit it best, to first order. Galaxies lie above 0, cosmic rays below
 * @param quality share of the PSF's weight on good pixels, 0 to 1
 * @param crowding own share of the flux under the PSF, 0 to 1
 * @param aperFlux electrons in each aperture, with the local sky taken off, by aperture then by
 *     star; NaN where too much of the aperture's light lies on pixels without weight, or there is
 *     no local sky
 * @param aperFluxErr one standard deviation, electrons; NaN where the flux is
 * @param flags bits of {@link org.starmill.image.PixelFlag} and {@link StarFlag}
 * @param pass in which pass the star was found, from 1
 */
public record Stars(
    double[] x,
    double[] y,
    float[] xErr,
    float[] yErr,
    float[] flux,
    float[] fluxErr,
    float[] sky,
    float[] chi2,
    float[] sharp,
    float[] quality,
    float[] crowding,
    float[][] aperFlux,
    float[][] aperFluxErr,
    int[] flags,
    int[] pass) {

  /** Number of stars. */
  public int count() {
    return x.length;
  }

  /** Number of apertures. */
  public int apertures() {
    return aperFlux.length;
  }
}

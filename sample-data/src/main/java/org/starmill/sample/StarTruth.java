package org.starmill.sample;

/**
 * What is true of the stars of one simulated frame: arrays of one entry a star, in one order.
 *
 * <p>Stars whose centres lie up to a few FWHM beyond the edges are among them, since their light
 * falls onto the frame; in a frame that is not dithered they stand at the end.
 *
 * @param x column of the centre, the centre of the first pixel is 0
 * @param y row of the centre
 * @param ra right ascension, degrees ICRS
 * @param dec declination, degrees ICRS
 * @param flux electrons at response 1, total of the PSF to infinity
 * @param mag zero point - 2.5 log10(flux / exposure time)
 * @param fluxBound smallest standard deviation an unbiased flux can have (Cramer-Rao), electrons: 1
 *     / sqrt(sum P^2 / V) with V the variance, after division by the flat, of sky, the star itself
 *     and read noise, over good pixels of the frame; infinite where the star lies on none
 * @param fwhm of the PSF there, pixels
 * @param inside whether the centre lies on the frame
 * @param saturated whether a pixel within 1.5 FWHM of the centre is full
 * @param neighbourDistance pixels to the nearest star brighter than 1 % of this one, at most 100
 */
public record StarTruth(
    double[] x,
    double[] y,
    double[] ra,
    double[] dec,
    double[] flux,
    double[] mag,
    double[] fluxBound,
    double[] fwhm,
    boolean[] inside,
    boolean[] saturated,
    double[] neighbourDistance) {

  /** Number of stars. */
  public int count() {
    return x.length;
  }
}

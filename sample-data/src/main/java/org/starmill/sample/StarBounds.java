package org.starmill.sample;

/**
 * How well the stars of a frame can be measured at best (Cramer-Rao), each together with its
 * neighbours: arrays of one entry a star, in the order of {@link StarTruth}.
 *
 * <p>Free are position and flux of the star and of every star within three FWHM of it that is above
 * three standard deviations itself; the variance is that of all the light there. NaN for stars that
 * are fainter than that, infinite where the pixels do not determine them.
 *
 * @param flux standard deviation, electrons
 * @param x standard deviation of the column, pixels
 * @param y standard deviation of the row, pixels
 */
public record StarBounds(double[] flux, double[] x, double[] y) {}

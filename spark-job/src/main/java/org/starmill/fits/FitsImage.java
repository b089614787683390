package org.starmill.fits;

/**
 * The pixels of one image HDU in physical units, with its header.
 *
 * @param pixels {@code BZERO + BSCALE * stored value}, row-major, the first row of the file first;
 *     NaN where the file says BLANK
 * @param width columns
 * @param height rows
 * @param header keywords of the image as if it were not compressed, the primary's behind them
 */
public record FitsImage(float[] pixels, int width, int height, FitsHeader header) {}

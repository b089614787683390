package org.starmill.fits;

import java.io.Serializable;

/**
 * Where an image lies in a FITS file, and what its header says.
 *
 * @param hdu place in the file, the primary HDU being 0; a tile-compressed image counts where its
 *     table stands
 * @param width columns (NAXIS1)
 * @param height rows (NAXIS2)
 * @param header keywords of the image as if it were not compressed, the primary's behind them
 */
public record ImageHdu(int hdu, int width, int height, FitsHeader header) implements Serializable {}

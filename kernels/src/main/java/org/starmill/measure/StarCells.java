package org.starmill.measure;

/**
 * Squares of the field whose stars share one PSF table: where the PSF is taken at the square's
 * middle, it differs from the star's own by less than any but the brightest stars can tell.
 *
 * @param side of a square, pixels
 * @param brightest flux, electrons, above which a star takes the PSF of its own place
 */
record StarCells(int side, float brightest) {
  /** Column at which the PSF of a star is taken. */
  double column(int centreX, float flux) {
    return flux > brightest ? centreX : Math.floorDiv(centreX, side) * side + (side - 1) / 2.0;
  }

  /** Row at which the PSF of a star is taken. */
  double row(int centreY, float flux) {
    return flux > brightest ? centreY : Math.floorDiv(centreY, side) * side + (side - 1) / 2.0;
  }

  /** Number of the cell, 40 bits, in an order that goes along rows of cells. */
  long number(int centreX, int centreY) {
    long row = Math.floorDiv(centreY, side) + 0x40000L;
    long column = Math.floorDiv(centreX, side) + 0x40000L;
    return (row << 20) + column;
  }
}

package org.starmill.healpix;

/**
 * Where a pixel is: the inverse of {@link Healpix}, written from the geometry of the faces.
 *
 * <p>The sphere is unrolled (Calabretta and Roukema 2007, MNRAS 381, 865): faces are squares that
 * stand on a corner, a quarter turn from corner to corner; heights from -2 to 2.
 */
record PixelCentre(double ra, double dec) {

  /** The point of a pixel that lies so far along its columns and rows, 0 to 1. */
  static PixelCentre of(int order, long number, double alongColumns, double alongRows) {
    double nside = 1L << order;
    int face = (int) (number >> 2 * order);
    long within = number & (1L << 2 * order) - 1;
    double column = (every(within) + alongColumns) / nside;
    double row = (every(within >> 1) + alongRows) / nside;
    // Lower corner of the face, in quarter turns and units of height.
    double middle = face / 4 == 1 ? face % 4 : face % 4 + 0.5;
    double height = column + row - face / 4;
    double quarters = middle + (column - row) / 2;
    if (Math.abs(height) <= 1) {
      return new PixelCentre((quarters + 4) % 4 * 90, Math.toDegrees(Math.asin(height * 2 / 3)));
    }
    double toPole = 2 - Math.abs(height);
    double inCap = toPole == 0 ? 0 : (column - row) / 2 / toPole;
    double dec = 90 - Math.toDegrees(2 * Math.asin(toPole / Math.sqrt(6)));
    return new PixelCentre((middle + inCap) * 90, Math.copySign(dec, height));
  }

  /** The bits at even places. */
  private static long every(long value) {
    long bits = 0;
    for (int bit = 0; bit < 29; bit++) {
      bits |= (value >> 2 * bit & 1) << bit;
    }
    return bits;
  }
}

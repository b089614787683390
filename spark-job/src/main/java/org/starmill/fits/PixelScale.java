package org.starmill.fits;

/**
 * From the values stored in a file to physical ones: {@code BZERO + BSCALE * stored}, BLANK to NaN
 * (FITS Standard 4.0, section 4.4.2.5).
 */
record PixelScale(double scale, double zero, boolean hasBlank, long blank) {

  static PixelScale of(HduHeader header) {
    String key = header.values().containsKey("BLANK") ? "BLANK" : "ZBLANK";
    boolean hasBlank = header.imageBitpix() > 0 && header.values().containsKey(key);
    return new PixelScale(
        header.number("BSCALE", 1),
        header.number("BZERO", 0),
        hasBlank,
        hasBlank ? header.integer(key, 0) : 0);
  }

  boolean identity() {
    return scale == 1 && zero == 0 && !hasBlank;
  }

  float physical(long stored) {
    return hasBlank && stored == blank ? Float.NaN : (float) (stored * scale + zero);
  }

  float physical(double stored) {
    return (float) (stored * scale + zero);
  }
}

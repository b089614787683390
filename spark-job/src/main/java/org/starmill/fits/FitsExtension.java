package org.starmill.fits;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An image extension to be written: its name, pixels and keywords.
 *
 * @param name value of EXTNAME
 * @param pixels {@code float[]} (BITPIX -32) or {@code short[]} (BITPIX 16), row-major
 * @param width columns
 * @param height rows
 * @param keywords cards to add, in order; values are String, Number or Boolean
 */
public record FitsExtension(
    String name, Object pixels, int width, int height, Map<String, Object> keywords) {

  public FitsExtension {
    int values;
    if (pixels instanceof float[] floats) {
      values = floats.length;
    } else if (pixels instanceof short[] shorts) {
      values = shorts.length;
    } else {
      throw new IllegalArgumentException(
          "extension %s: found pixels of %s, expected float[] or short[]"
              .formatted(name, pixels.getClass().getSimpleName()));
    }
    if (values != (long) width * height) {
      throw new IllegalArgumentException(
          "extension %s: found %d pixels, expected %d x %d".formatted(name, values, width, height));
    }
    keywords = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(keywords));
  }

  /** An extension without further keywords. */
  public FitsExtension(String name, Object pixels, int width, int height) {
    this(name, pixels, width, height, Map.of());
  }

  int bitpix() {
    return pixels instanceof float[] ? -32 : 16;
  }
}

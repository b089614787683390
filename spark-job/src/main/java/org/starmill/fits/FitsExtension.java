package org.starmill.fits;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An image extension to be written: its name, pixels and keywords.
 *
 * @param name value of EXTNAME
 * @param pixels {@code float[]} (BITPIX -32) or {@code short[]} (BITPIX 16), row-major
 * @param width columns
 * @param height rows
 * @param keywords cards to add, in order; values are String, Number, Boolean or {@link FitsValue}
 */
public record FitsExtension(
    String name, Object pixels, int width, int height, Map<String, Object> keywords)
    implements FitsHdu {
  private static final int CHUNK = 1 << 16;

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

  @Override
  public LinkedHashMap<String, Object> layout() {
    LinkedHashMap<String, Object> layout = new LinkedHashMap<>();
    layout.put("XTENSION", "IMAGE");
    layout.put("BITPIX", bitpix());
    layout.put("NAXIS", 2);
    layout.put("NAXIS1", width);
    layout.put("NAXIS2", height);
    layout.put("PCOUNT", 0);
    layout.put("GCOUNT", 1);
    layout.put("EXTNAME", name);
    return layout;
  }

  @Override
  public long writeData(OutputStream out) throws IOException {
    int unit = pixels instanceof float[] ? Float.BYTES : Short.BYTES;
    int count = pixels instanceof float[] floats ? floats.length : ((short[]) pixels).length;
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
    for (int from = 0; from < count; ) {
      int values = Math.min(CHUNK / unit, count - from);
      if (pixels instanceof float[] floats) {
        chunk.asFloatBuffer().put(floats, from, values);
      } else {
        chunk.asShortBuffer().put((short[]) pixels, from, values);
      }
      out.write(chunk.array(), 0, values * unit);
      from += values;
    }
    return (long) count * unit;
  }
}

package org.starmill.sample;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import nom.tam.fits.BasicHDU;
import nom.tam.fits.Fits;
import nom.tam.fits.FitsException;
import nom.tam.fits.Header;
import nom.tam.fits.ImageHDU;
import nom.tam.fits.NullDataHDU;
import nom.tam.fits.compression.algorithm.rice.RiceCompressOption;
import nom.tam.fits.header.Compression;
import nom.tam.image.compression.hdu.CompressedImageHDU;
import nom.tam.util.FitsOutputStream;

/**
 * Writes one FITS file of raw frames, HDU after HDU, so that one frame at a time is in memory.
 *
 * <p>Pixels are unsigned 16 bit: signed ones with BZERO 32768. A single uncompressed image is the
 * primary HDU; compressed or several images follow a primary HDU without data.
 */
final class FrameFile implements AutoCloseable {
  /** Keywords with values and comments, in the order of the header. */
  static final class Cards {
    private record Card(Object value, String comment) {}

    private final Map<String, Card> cards = new LinkedHashMap<>();

    Cards put(String key, Object value, String comment) {
      cards.put(key, new Card(value, comment));
      return this;
    }

    private void addTo(Header header) throws FitsException {
      for (Map.Entry<String, Card> entry : cards.entrySet()) {
        String key = entry.getKey();
        Card card = entry.getValue();
        if (card.value() instanceof String text) {
          header.addValue(key, text, card.comment());
        } else if (card.value() instanceof Boolean truth) {
          header.addValue(key, truth, card.comment());
        } else {
          header.addValue(key, (Number) card.value(), card.comment());
        }
      }
    }
  }

  private final FitsOutputStream stream;
  private final boolean rice;
  private boolean empty = true;

  FrameFile(Path path, boolean rice) throws IOException {
    stream = new FitsOutputStream(new BufferedOutputStream(Files.newOutputStream(path), 1 << 16));
    this.rice = rice;
  }

  /** Writes the primary HDU without data that stands before extensions. */
  void primary(Cards cards) throws IOException, FitsException {
    NullDataHDU primary = new NullDataHDU();
    primary.getHeader().addValue("EXTEND", true, "extensions follow");
    cards.addTo(primary.getHeader());
    place(primary, true);
    primary.write(stream);
    empty = false;
  }

  /** Writes a frame: the primary HDU if it is the first one and not compressed. */
  void image(SimulatedFrame frame, Cards cards) throws IOException, FitsException {
    if (rice && empty) {
      primary(new Cards());
    }
    ImageHDU image = (ImageHDU) Fits.makeHDU(pixels(frame));
    image.getHeader().addValue("BZERO", 32_768, "unsigned 16 bit");
    image.getHeader().addValue("BSCALE", 1, "");
    cards.addTo(image.getHeader());
    place(image, empty);
    if (rice) {
      CompressedImageHDU compressed = CompressedImageHDU.fromImageHDU(image, frame.columns(), 1);
      compressed.setCompressAlgorithm(Compression.ZCMPTYPE_RICE_1);
      // Two bytes a pixel, as other readers expect of 16-bit images; the library's default is four.
      compressed.getCompressOption(RiceCompressOption.class).setBytePix(2);
      compressed.compress();
      compressed.write(stream);
    } else {
      image.write(stream);
    }
    empty = false;
  }

  /** An HDU learns from its place in a file whether it is the primary one or an extension. */
  private static void place(BasicHDU<?> hdu, boolean first) throws FitsException {
    Fits fits = new Fits();
    if (!first) {
      fits.addHDU(new NullDataHDU());
    }
    fits.addHDU(hdu);
    if (first) {
      // The library's own comment is the time of day, and equal seeds shall give equal files.
      hdu.getHeader().addValue("SIMPLE", true, "conforms to the FITS standard");
    }
  }

  private static short[][] pixels(SimulatedFrame frame) {
    int columns = frame.columns();
    short[][] pixels = new short[frame.height()][columns];
    for (int y = 0; y < frame.height(); y++) {
      for (int x = 0; x < columns; x++) {
        pixels[y][x] = (short) ((int) frame.adu()[y * columns + x] - 32_768);
      }
    }
    return pixels;
  }

  @Override
  public void close() throws IOException {
    stream.close();
  }
}

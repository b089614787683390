package org.starmill.fits;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.starmill.image.Image;

/**
 * Writes images as extensions of one FITS file, which appears whole or not at all.
 *
 * <p>The file is written under a hidden name beside its place and renamed over what stands there,
 * so that of two writers of one file the last one counts and no reader sees half of one. Safe for
 * use by many threads.
 */
public final class FitsWriter {
  private static final int CHUNK = 1 << 16;

  private final Configuration hadoop;

  public FitsWriter(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /**
   * Writes a file with an empty primary HDU and the given extensions.
   *
   * @param path a path or URI as Hadoop takes it; its folder is made if absent
   * @param primary keywords of the primary HDU; values are String, Number or Boolean
   * @throws IllegalArgumentException if a keyword or value has no form in FITS
   */
  public void write(String path, Map<String, ?> primary, List<FitsExtension> extensions)
      throws IOException {
    // All headers first: a value that has no form in FITS must leave nothing behind.
    LinkedHashMap<String, Object> first = new LinkedHashMap<>();
    first.put("SIMPLE", true);
    first.put("BITPIX", 8);
    first.put("NAXIS", 0);
    first.put("EXTEND", true);
    byte[] primaryBlocks = blocks(first, primary);
    List<byte[]> headers =
        extensions.stream()
            .map(
                extension -> {
                  LinkedHashMap<String, Object> layout = new LinkedHashMap<>();
                  layout.put("XTENSION", "IMAGE");
                  layout.put("BITPIX", extension.bitpix());
                  layout.put("NAXIS", 2);
                  layout.put("NAXIS1", extension.width());
                  layout.put("NAXIS2", extension.height());
                  layout.put("PCOUNT", 0);
                  layout.put("GCOUNT", 1);
                  layout.put("EXTNAME", extension.name());
                  return blocks(layout, extension.keywords());
                })
            .toList();

    Path place = new Path(path);
    FileSystem fileSystem = place.getFileSystem(hadoop);
    boolean local = fileSystem instanceof LocalFileSystem;
    if (local) {
      fileSystem = ((LocalFileSystem) fileSystem).getRawFileSystem(); // no .crc files
    }
    place = fileSystem.makeQualified(place);
    Path hidden =
        new Path(place.getParent(), ".%s.%s.tmp".formatted(place.getName(), UUID.randomUUID()));
    boolean done = false;
    try {
      try (OutputStream out = fileSystem.create(hidden, false)) {
        out.write(primaryBlocks);
        for (int i = 0; i < extensions.size(); i++) {
          out.write(headers.get(i));
          writePixels(out, extensions.get(i).pixels());
        }
      }
      rename(fileSystem, hidden, place, local);
      done = true;
    } finally {
      if (!done) {
        fileSystem.delete(hidden, false);
      }
    }
  }

  /**
   * Writes a calibrated image: SCI (electrons), VAR (electrons squared) and MASK, with the source's
   * keywords in the primary HDU and its world coordinates in every extension.
   *
   * @param source header of the raw frame
   * @param x0 column of the raw frame that is the image's first, counted from zero
   * @param y0 row of the raw frame that is the image's first, counted from zero
   */
  public void writeCalibrated(String path, FitsHeader source, Image image, int x0, int y0)
      throws IOException {
    LinkedHashMap<String, Object> coordinates = new LinkedHashMap<>();
    LinkedHashMap<String, Object> rest = new LinkedHashMap<>();
    for (String key : source.keys()) {
      if (HduHeader.describesLayout(key)) {
        continue;
      }
      Object value = source.value(key);
      if (value instanceof Double number && !Double.isFinite(number)) {
        continue;
      }
      if (HduHeader.describesCoordinates(key)) {
        coordinates.put(key, value);
      } else if (!key.matches("(DATA|BIAS|TRIM)SEC")) { // they speak of the untrimmed frame
        rest.put(key, value);
      }
    }
    coordinates.computeIfPresent("CRPIX1", (key, old) -> source.number(key).orElseThrow() - x0);
    coordinates.computeIfPresent("CRPIX2", (key, old) -> source.number(key).orElseThrow() - y0);
    LinkedHashMap<String, Object> science = new LinkedHashMap<>(coordinates);
    science.put("BUNIT", "electron");
    LinkedHashMap<String, Object> variance = new LinkedHashMap<>(coordinates);
    variance.put("BUNIT", "electron2");
    int width = image.width();
    int height = image.height();
    write(
        path,
        rest,
        List.of(
            new FitsExtension("SCI", image.science(), width, height, science),
            new FitsExtension("VAR", image.variance(), width, height, variance),
            new FitsExtension("MASK", image.mask(), width, height, coordinates)));
  }

  private static byte[] blocks(Map<String, Object> layout, Map<String, ?> keywords) {
    StringBuilder cards = new StringBuilder();
    layout.forEach((key, value) -> cards.append(new FitsCard(key, value).format()));
    keywords.forEach(
        (key, value) -> {
          if (!layout.containsKey(key)) {
            cards.append(new FitsCard(key, value).format());
          }
        });
    cards.append("END");
    cards.append(" ".repeat(filling(cards.length())));
    return cards.toString().getBytes(StandardCharsets.US_ASCII);
  }

  private static int filling(long length) {
    return (int) ((HduHeader.BLOCK - length % HduHeader.BLOCK) % HduHeader.BLOCK);
  }

  private static void writePixels(OutputStream out, Object pixels) throws IOException {
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
    out.write(new byte[filling((long) count * unit)]);
  }

  private void rename(FileSystem fileSystem, Path from, Path to, boolean local) throws IOException {
    if (!local) {
      try {
        FileContext.getFileContext(to.toUri(), hadoop).rename(from, to, Options.Rename.OVERWRITE);
        return;
      } catch (UnsupportedFileSystemException noContext) {
        // A file system without FileContext has no rename over a file that is there.
        fileSystem.delete(to, false);
      }
    }
    if (!fileSystem.rename(from, to)) {
      throw new IOException(
          "%s: could not rename the finished file %s to it; see that the folder can be written"
              .formatted(to, from.getName()));
    }
  }
}

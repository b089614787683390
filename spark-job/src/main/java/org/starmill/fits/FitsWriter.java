package org.starmill.fits;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
 * Writes images and tables as extensions of one FITS file, which appears whole or not at all.
 *
 * <p>The file is written under a hidden name beside its place and renamed over what stands there,
 * so that of two writers of one file the last one counts and no reader sees half of one. Safe for
 * use by many threads.
 */
public final class FitsWriter {
  private final Configuration hadoop;

  public FitsWriter(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /**
   * Writes a file with an empty primary HDU and the given extensions.
   *
   * @param path a path or URI as Hadoop takes it; its folder is made if absent
   * @param primary keywords of the primary HDU; values are String, Number, Boolean or {@link
   *     FitsValue}
   * @throws IllegalArgumentException if a keyword or value has no form in FITS
   */
  public void write(String path, Map<String, ?> primary, List<? extends FitsHdu> extensions)
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
            .map(extension -> blocks(extension.layout(), extension.keywords()))
            .toList();
    put(
        path,
        (fileSystem, place, out) -> {
          out.write(primaryBlocks);
          for (int i = 0; i < extensions.size(); i++) {
            out.write(headers.get(i));
            out.write(new byte[filling(extensions.get(i).writeData(out))]);
          }
        });
  }

  /**
   * Writes a file anew with further keywords in its primary header; all else is copied.
   *
   * <p>Those that are there already are replaced, so that it may be done again.
   *
   * @param path of a plain FITS file
   * @param further as {@link #write} takes them
   * @throws IOException where the file cannot be read or written, or its primary header has no end
   */
  public void addToPrimary(String path, Map<String, ?> further) throws IOException {
    StringBuilder more = new StringBuilder();
    further.forEach((key, value) -> more.append(new FitsCard(key, value).format()));
    put(
        path,
        (fileSystem, place, out) -> {
          try (InputStream in = fileSystem.open(place)) {
            StringBuilder cards = new StringBuilder();
            int end = -1;
            while (end < 0) {
              byte[] block = in.readNBytes(HduHeader.BLOCK);
              if (block.length < HduHeader.BLOCK) {
                throw new IOException(
                    "%s: the primary header has no END, expected a FITS file; remove it, that it is made anew"
                        .formatted(path));
              }
              cards.append(new String(block, StandardCharsets.US_ASCII));
              end = end(cards);
            }
            StringBuilder header = new StringBuilder(without(further.keySet(), cards, end));
            header.append(more).append("END");
            header.append(" ".repeat(filling(header.length())));
            out.write(header.toString().getBytes(StandardCharsets.US_ASCII));
            in.transferTo(out);
          }
        });
  }

  /** The cards up to a place, but for those of some keywords with what continues them. */
  private static String without(Set<String> keys, CharSequence cards, int end) {
    StringBuilder others = new StringBuilder();
    boolean left = false;
    for (int at = 0; at < end; at += FitsCard.LENGTH) {
      String card = cards.subSequence(at, at + FitsCard.LENGTH).toString();
      String key = card.substring(0, 8).strip();
      left = keys.contains(key) || left && key.equals("CONTINUE");
      others.append(left ? "" : card);
    }
    return others.toString();
  }

  /** Where the card END begins; -1 where there is none. */
  private static int end(CharSequence cards) {
    for (int at = 0; at < cards.length(); at += FitsCard.LENGTH) {
      if (cards.subSequence(at, at + FitsCard.LENGTH).toString().stripTrailing().equals("END")) {
        return at;
      }
    }
    return -1;
  }

  /** Writes what a file is to hold. */
  private interface Content {
    void to(FileSystem fileSystem, Path place, OutputStream out) throws IOException;
  }

  private void put(String path, Content content) throws IOException {
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
        content.to(fileSystem, place, out);
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

package org.starmill.publish;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.starmill.campaign.Refused;
import org.starmill.healpix.HealpixPixel;

/**
 * Where things stand in a catalog of the HATS layout, and its two text files.
 *
 * <p>HATS is an IVOA Note of 2025, "HATS: a standard for the hierarchical adaptive tiling scheme",
 * version 1.0.
 */
final class HatsLayout {
  static final String PROPERTIES = "hats.properties";
  static final String PARTITION_INFO = "partition_info.csv";
  static final String DATASET = "dataset";
  static final String METADATA = "dataset/_metadata";
  static final String COMMON_METADATA = "dataset/_common_metadata";

  /** All that is not part of the standard: the ledger, counts, and what is being written. */
  static final String OWN = "_publish";

  static final String LEDGER = "_publish/ledger.json";
  static final String STAGING = "_publish/staging";
  static final String HISTOGRAMS = "_publish/histogram";

  private static final String COLUMNS = "Norder,Npix,num_rows";
  private static final long PIXELS_A_FOLDER = 10_000;

  private HatsLayout() {}

  /** Where the rows of a pixel stand, below the catalog's folder. */
  static String file(HealpixPixel pixel) {
    return "%s/Npix=%d.parquet".formatted(folder(pixel), pixel.number());
  }

  /** The folder of a pixel's file. */
  static String folder(HealpixPixel pixel) {
    return "%s/Norder=%d/Dir=%d"
        .formatted(DATASET, pixel.order(), pixel.number() / PIXELS_A_FOLDER * PIXELS_A_FOLDER);
  }

  /** Counts of rows in pixels of an order, for the next publication. */
  static String histogram(int publication) {
    return HISTOGRAMS + "/%06d".formatted(publication);
  }

  /** Writes the pixels with their rows, in the order given. */
  static void writePartitionInfo(FileSystem fileSystem, Path file, Iterable<PixelSplit.Part> parts)
      throws IOException {
    try (Writer out = writer(fileSystem, file)) {
      out.write(COLUMNS + "\n");
      for (PixelSplit.Part part : parts) {
        out.write("%d,%d,%d\n".formatted(part.pixel().order(), part.pixel().number(), part.rows()));
      }
    }
  }

  /** The pixels with their rows; none where there is no such file. */
  static Map<HealpixPixel, Long> readPartitionInfo(FileSystem fileSystem, Path file)
      throws IOException {
    Map<HealpixPixel, Long> pixels = new LinkedHashMap<>();
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(fileSystem.open(file), StandardCharsets.UTF_8))) {
      String line = in.readLine();
      if (!COLUMNS.equals(line)) {
        throw broken(file, 1, line, null);
      }
      int number = 1;
      while ((line = in.readLine()) != null) {
        number++;
        String[] values = line.split(",");
        try {
          pixels.put(
              new HealpixPixel(Integer.parseInt(values[0]), Long.parseLong(values[1])),
              Long.parseLong(values[2]));
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException wrong) {
          throw broken(file, number, line, wrong);
        }
      }
    } catch (FileNotFoundException absent) {
      return pixels;
    }
    return pixels;
  }

  private static Refused broken(Path file, int number, String line, Exception cause) {
    return new Refused(
        "%s: line %d is '%s'; expected %s; restore the file, or publish into a new --output"
            .formatted(file, number, line, COLUMNS),
        cause);
  }

  /** Writes properties as {@code key=value}, a line each. */
  static void writeProperties(FileSystem fileSystem, Path file, Map<String, Object> properties)
      throws IOException {
    try (Writer out = writer(fileSystem, file)) {
      out.write("#HATS catalog\n");
      for (Map.Entry<String, Object> property : properties.entrySet()) {
        out.write("%s=%s\n".formatted(property.getKey(), property.getValue()));
      }
    }
  }

  private static Writer writer(FileSystem fileSystem, Path file) throws IOException {
    return new BufferedWriter(
        new OutputStreamWriter(fileSystem.create(file, true), StandardCharsets.UTF_8));
  }
}

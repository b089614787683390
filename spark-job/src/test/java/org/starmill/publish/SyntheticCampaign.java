package org.starmill.publish;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.starmill.campaign.SparkSessions;
import org.starmill.catalog.ExposureRow;
import org.starmill.catalog.ExposureStatus;
import org.starmill.catalog.ExposuresWriter;
import org.starmill.catalog.Magnitudes;
import org.starmill.catalog.Samples;
import org.starmill.catalog.SourcesWriter;
import org.starmill.measure.Stars;

/** The folder of a campaign whose stars were made up, not measured. */
final class SyntheticCampaign {
  private final Configuration hadoop = new Configuration(false);
  private final Path folder;
  private final String name;

  SyntheticCampaign(Path folder, String name) throws IOException {
    this.folder = folder;
    this.name = name;
    Files.createDirectories(folder);
    identify("abcd");
  }

  void identify(String configuration) throws IOException {
    Files.writeString(
        folder.resolve("campaign.json"),
        """
        {"campaign": "%s", "instrument": "generic", "configuration_hash": "%s",
         "software_version": "1", "created": "2026-01-01T00:00:00Z"}
        """
            .formatted(name, configuration));
  }

  /** The session that all tests share. */
  static SparkSession spark() {
    System.setProperty("spark.master", "local[2]");
    System.setProperty("spark.sql.shuffle.partitions", "2");
    return SparkSessions.open();
  }

  Path folder() {
    return folder;
  }

  /**
   * Writes a batch of four images: two whole ones, one without a WCS, and one that failed.
   *
   * @param first number of its first image
   * @param ra of the middle of its field, 2 degrees wide
   * @param stars of each image that was measured
   * @return its name
   */
  String batch(long first, double ra, double dec, int stars) throws IOException {
    String batch = "batch-%012d".formatted(first);
    try (SourcesWriter writer =
        new SourcesWriter(path("sources/" + batch + "/part-0-1.parquet"), hadoop, "zstd", 2)) {
      write(writer, first, ra, dec, stars);
      write(writer, first + 1, ra, dec, stars);
      write(writer, first + 2, Double.NaN, dec, stars);
    }
    try (ExposuresWriter writer =
        new ExposuresWriter(path("exposures/" + batch + ".parquet"), hadoop, "zstd")) {
      writer.write(measured(first, stars));
      writer.write(measured(first + 1, stars));
      writer.write(measured(first + 2, stars).with(ExposureStatus.PARTIAL, "no WCS: none"));
      writer.write(
          ExposureRow.of(Samples.identity(first + 3, "d.fits", 0))
              .with(ExposureStatus.FAILED, "truncated: half of it"));
    }
    return batch;
  }

  private org.apache.hadoop.fs.Path path(String below) {
    return new org.apache.hadoop.fs.Path(folder.resolve(below).toUri());
  }

  private static ExposureRow measured(long image, int stars) {
    return ExposureRow.of(Samples.identity(image, "a.fits", 0))
        .withFacts(Samples.facts())
        .withMeasured(stars, Samples.summary(), "java");
  }

  private static void write(SourcesWriter writer, long image, double ra, double dec, int count)
      throws IOException {
    Random random = new Random(image);
    Stars stars = Samples.stars(count, image);
    double[] east = new double[count];
    double[] north = new double[count];
    for (int i = 0; i < count; i++) {
      north[i] = Math.max(-90, Math.min(90, dec + random.nextDouble() * 2 - 1));
      east[i] = (ra + (random.nextDouble() * 2 - 1) + 360) % 360;
    }
    if (Double.isNaN(ra)) {
      Arrays.fill(north, Double.NaN);
    }
    Magnitudes magnitudes = Magnitudes.of(stars, 30, Double.NaN);
    writer.write(image, stars, east, north, magnitudes.mag(), magnitudes.magErr());
  }
}

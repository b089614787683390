package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.starmill.DocumentedReasons;
import org.starmill.catalog.ExposureRow;
import org.starmill.catalog.Reasons;
import org.starmill.config.CampaignConfig;
import org.starmill.instrument.Instrument;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.Simulation;
import org.starmill.sample.SimulationSettings;

/** A night of small simulated frames, and the one Spark session that all tests share. */
final class SmallNight {
  static final CampaignProgress SILENCE = new Silence();

  private static SparkSession session;

  private static final Column FILE = functions.regexp_extract(functions.col("path"), "[^/]+$", 0);

  private SmallNight() {}

  static synchronized SparkSession spark() {
    // The commands, tested in the same JVM, stop the session that they find.
    if (session == null || session.sparkContext().isStopped()) {
      System.setProperty("spark.master", "local[2]");
      System.setProperty("spark.sql.shuffle.partitions", "2");
      session = SparkSessions.open();
    }
    return session;
  }

  /** Writes three bias frames, three flats and science frames of 320 x 300 pixels. */
  static List<Path> simulate(Path folder, int images) {
    try {
      return Simulation.write(
          folder,
          SimulationSettings.of(
                  CameraSettings.ztfLike().withSize(320, 300).withStars(150).withSeed(11), images)
              .withCalibrations(3, 3),
          (file, done, total) -> {});
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static CampaignRequest request(Path input, Path output, String... settings) {
    return request(input.toString(), output.toString(), settings);
  }

  /** As paths of any Hadoop file system. */
  static CampaignRequest request(String input, String output, String... settings) {
    List<String> all = new ArrayList<>(List.of("device.name=java"));
    all.addAll(List.of(settings));
    CampaignConfig config =
        CampaignConfig.load(null, all, name -> Instrument.load(name).campaignDefaults());
    return new CampaignRequest(
        List.of(input), output, "night", config, Instrument.load(config.instrument()));
  }

  static Campaign run(Path input, Path output, String... settings) {
    return new CampaignRun(spark(), request(input, output, settings), SILENCE).run();
  }

  static Campaign run(RunScope scope, Path input, Path output, String... settings) {
    return new CampaignRun(
            spark(), request(input, output, settings), SILENCE, RunTrace.off(), scope)
        .run();
  }

  static Dataset<Row> exposures(Path output) {
    return spark().read().parquet(output.resolve("exposures").toString());
  }

  static Dataset<Row> sources(Path output) {
    return spark()
        .read()
        .option("recursiveFileLookup", true)
        .parquet(output.resolve("sources").toString());
  }

  /** The last part of each frame's path, with status and the code of its reason. */
  static List<String> ledger(Path output) {
    return exposures(output).orderBy("path", "hdu").collectAsList().stream()
        .map(
            row -> {
              String path = row.getAs("path");
              String reason = row.getAs("reason");
              if (reason != null) {
                assertThat(DocumentedReasons.CODES).as(reason).contains(Reasons.code(reason));
              }
              return path.substring(path.lastIndexOf('/') + 1)
                  + " "
                  + row.getAs("status")
                  + (reason == null ? "" : " " + Reasons.code(reason));
            })
        .toList();
  }

  /** Both tables have the same rows; what an image has taken to measure may differ. */
  static void assertSameCatalog(Path output, Path expected) {
    assertSameRows(sources(output), sources(expected));
    assertSameRows(withoutTimes(exposures(output)), withoutTimes(exposures(expected)));
  }

  /**
   * Stars by the file of their frame and their place in it: the number of a frame that could not be
   * read when it was planned is another one.
   */
  static Dataset<Row> byFile(Dataset<Row> sources, Dataset<Row> exposures) {
    Dataset<Row> files =
        exposures.select(functions.col("exposure_id"), FILE.as("file"), functions.col("hdu"));
    return sources
        .join(files, new String[] {"exposure_id"})
        .withColumn("source_id", functions.col("source_id").mod(1L << 24))
        .drop("exposure_id");
  }

  /** Images by their file in place of their number. */
  static Dataset<Row> byFile(Dataset<Row> exposures) {
    return withoutTimes(exposures).withColumn("file", FILE).drop("exposure_id", "path");
  }

  static Dataset<Row> withoutTimes(Dataset<Row> exposures) {
    for (String column : exposures.columns()) {
      if (column.startsWith("seconds_")) {
        exposures = exposures.drop(column);
      }
    }
    return exposures;
  }

  static void assertSameRows(Dataset<Row> rows, Dataset<Row> expected) {
    assertThat(rows.count()).isEqualTo(expected.count());
    assertThat(rows.exceptAll(expected).count()).isZero();
    assertThat(expected.exceptAll(rows).count()).isZero();
  }

  static List<Path> filesBelow(Path folder) {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (var files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class Silence implements CampaignProgress {
    @Override
    public void stage(String what) {}

    @Override
    public void begin(long images, long before) {}

    @Override
    public void image(ExposureRow row) {}

    @Override
    public void done(long images) {}

    @Override
    public void end() {}
  }
}

package org.starmill.campaign;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.starmill.catalog.CatalogTable;
import org.starmill.masters.BuiltMaster;
import org.starmill.masters.MasterFigures;
import org.starmill.masters.MasterGroup;
import org.starmill.masters.MasterKind;

/**
 * Makes up the frames of a survey, row by row in Spark tasks, and the tables of a campaign on them.
 *
 * <p>Each night has 64 detectors with 10 bias frames, and in 3 filters 5 flats and 175 science
 * frames each: {@link #NIGHT} frames.
 */
final class SyntheticSurvey {
  private static final int OF_A_DETECTOR = 10 + 3 * (5 + 175);

  /** Frames of a night. */
  static final int NIGHT = 64 * OF_A_DETECTOR;

  private SyntheticSurvey() {}

  /** The first frames of so many nights, night by night, with the columns of a plan. */
  static Dataset<Row> frames(SparkSession spark, long count) {
    Map<String, String> made = new HashMap<>();
    made.put("exposure_id", "0L");
    made.put(
        "path",
        "concat('hdfs://archive/survey/raw/', night, '/ccd', ccd, '/frame_', lpad(id, 12, '0'), '.fits.fz')");
    made.put("hdu", "1");
    made.put("file_length", "8000000L + pmod(hash(id), 1000000)");
    made.put(
        "image_type", "case when k < 10 then 'bias' when k < 25 then 'flat' else 'science' end");
    made.put("night", "night");
    made.put("ccd", "ccd");
    made.put("quadrant", "'1'");
    made.put(
        "filter",
        "case when k < 10 then 'none' else element_at(array('g', 'r', 'i'), k % 3 + 1) end");
    made.put("width", "3072");
    made.put("height", "3080");
    made.put("mjd", "58000d + id div %d + 0.4d * k / %d".formatted(NIGHT, OF_A_DETECTOR));
    made.put("exptime", "case when k < 10 then 0d else 30d end");
    return rows(
        spark
            .range(count)
            .withColumn("k", expr("int(id %% %d)".formatted(OF_A_DETECTOR)))
            .withColumn("ccd", expr("string(1 + (id div %d) %% 64)".formatted(OF_A_DETECTOR)))
            .withColumn(
                "night",
                expr("string(date_add(date'2018-03-01', int(id div %d)))".formatted(NIGHT))),
        PlannedFrame.SCHEMA,
        made);
  }

  /** The columns of a table: those that are made up, and the others without a value. */
  private static Dataset<Row> rows(Dataset<Row> from, StructType schema, Map<String, String> made) {
    List<Column> columns = new ArrayList<>();
    for (StructField field : schema.fields()) {
      Column value = made.containsKey(field.name()) ? expr(made.get(field.name())) : lit(null);
      columns.add(value.cast(field.dataType()).as(field.name()));
    }
    return from.select(columns.toArray(Column[]::new));
  }

  /**
   * Writes the table of all masters that a plan needs, and an empty file for each of them.
   *
   * @return how many they are
   */
  static long buildMasters(
      SparkSession spark, Campaign campaign, Plan plan, CampaignRequest request)
      throws IOException {
    try (CalibrationMatch match =
        new CalibrationMatch(
            spark, plan, request.config().masters(), CampaignMasters.settingsHash(request))) {
      String folder = campaign.masters().toString();
      campaign.fileSystem().mkdirs(campaign.masters());
      JavaPairRDD<String, MasterGroup> groups =
          match.groups(MasterKind.BIAS).union(match.groups(MasterKind.FLAT));
      Path staged = new Path(campaign.staging(), "masters-table");
      spark
          .createDataFrame(
              groups.map(master -> built(master._1(), master._2(), folder).toRow()),
              BuiltMaster.SCHEMA)
          .repartition(1)
          .write()
          .parquet(staged.toString());
      Path table = new Path(campaign.masters(), "masters.parquet");
      for (Path file : parquet(campaign.fileSystem(), staged)) {
        campaign.rename(file, table);
      }
      return spark.read().parquet(table.toString()).count();
    }
  }

  private static BuiltMaster built(String identity, MasterGroup group, String folder)
      throws IOException {
    java.nio.file.Path file =
        java.nio.file.Path.of(new Path(folder).toUri().getPath(), identity + ".fits");
    java.nio.file.Files.write(file, new byte[0]);
    return new BuiltMaster(
        identity,
        group.kind(),
        group.night(),
        group.amplifier(),
        group.filter(),
        null,
        "file:" + file,
        group.frames().stream()
            .map(frame -> new BuiltMaster.UsedFrame(frame.exposureId(), frame.label(), 0.2, 1000))
            .toList(),
        List.of(),
        new MasterFigures(9.5, 0.2, 2.1, 20_000, 0, 60_000.1, 60_000.2, 60_000.3, "2026-01-01"),
        null);
  }

  /**
   * Writes the ledger of the science frames whose numbers come first: of a hundred one has failed,
   * and two lack something.
   *
   * @param below number that theirs are below
   * @param batches number of files
   */
  static void measure(SparkSession spark, Campaign campaign, Plan plan, long below, int batches)
      throws IOException {
    Map<String, String> made = new HashMap<>();
    for (String same :
        List.of(
            "exposure_id",
            "path",
            "hdu",
            "image_type",
            "ccd",
            "quadrant",
            "filter",
            "night",
            "mjd",
            "exptime")) {
      made.put(same, same);
    }
    made.put("instrument", "'survey'");
    made.put(
        "status",
        "case exposure_id % 100 when 0 then 'failed' when 1 then 'partial' when 2 then 'partial' else 'ok' end");
    made.put(
        "reason",
        "case exposure_id % 100 when 0 then 'truncated: found too few bytes' when 1 then 'no WCS: no CTYPE1' when 2 then 'no WCS: no CTYPE1' end");
    made.put(
        "n_stars",
        "case when exposure_id % 100 > 0 then 20000 + pmod(hash(exposure_id), 3000) end");
    made.put("gain", "6.2d");
    made.put("sky_level", "200d + rand()");
    made.put("sky_noise", "15d + rand()");
    made.put("psf_model", "'moffat'");
    made.put("psf_fwhm", "2d + rand()");
    made.put("psf_coefficients", "array(1d, rand(), rand(), rand(), rand(), rand())");
    made.put("device", "'java'");
    made.put("campaign", "'survey'");
    for (String step : List.of("read", "masters", "calibrate", "sky", "detect", "psf", "measure")) {
      made.put("seconds_" + step, "rand()");
    }
    Path staged = new Path(campaign.staging(), "ledger");
    rows(
            plan.frames()
                .filter(col("image_type").equalTo("science"))
                .filter(col("exposure_id").lt(below)),
            CatalogTable.EXPOSURES.sparkSchema(0),
            made)
        .repartitionByRange(batches, col("exposure_id"))
        .write()
        .parquet(staged.toString());
    long number = 0;
    for (Path file : parquet(campaign.fileSystem(), staged)) {
      campaign.rename(
          file, new Path(campaign.exposures(), "batch-%012d.parquet".formatted(number++)));
    }
    campaign.fileSystem().delete(campaign.staging(), true);
  }

  private static List<Path> parquet(FileSystem fileSystem, Path folder) throws IOException {
    return Arrays.stream(fileSystem.listStatus(folder))
        .map(FileStatus::getPath)
        .filter(path -> path.getName().endsWith(".parquet"))
        .sorted()
        .toList();
  }
}

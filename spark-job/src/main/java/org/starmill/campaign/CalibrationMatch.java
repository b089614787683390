package org.starmill.campaign;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.lit;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;
import org.starmill.config.CampaignConfig;
import org.starmill.instrument.ImageType;
import org.starmill.masters.Amplifier;
import org.starmill.masters.CalibrationFrame;
import org.starmill.masters.MasterChoice;
import org.starmill.masters.MasterGroup;
import org.starmill.masters.MasterKind;

/**
 * Matches calibration frames to science: the masters that each amplifier, filter and night needs.
 *
 * <p>The frames of one amplifier come together in one task, calibration frames first and in order
 * of time, where {@link MasterChoice} chooses among them; nothing of it is on the driver.
 */
final class CalibrationMatch implements AutoCloseable {
  /** Columns that say of a science frame which masters it needs. */
  static final List<String> NEED =
      List.of("ccd", "quadrant", "width", "height", "overscan", "filter", "night");

  /**
   * A row for each need: how many science frames have it, which masters serve it, and where there
   * is none whether frames are there that differ in their overscan alone.
   */
  static final StructType SCHEMA =
      new StructType()
          .add("ccd", DataTypes.StringType, false)
          .add("quadrant", DataTypes.StringType, false)
          .add("width", DataTypes.IntegerType, false)
          .add("height", DataTypes.IntegerType, false)
          .add("overscan", DataTypes.BooleanType, false)
          .add("filter", DataTypes.StringType, false)
          .add("night", DataTypes.StringType, false)
          .add("science_frames", DataTypes.LongType, false)
          .add("bias_id", DataTypes.StringType, true)
          .add("bias_unlike", DataTypes.BooleanType, false)
          .add("flat_id", DataTypes.StringType, true)
          .add("flat_unlike", DataTypes.BooleanType, false)
          .add("bias_of_flat_id", DataTypes.StringType, true);

  private static final String[] CHIP = {"ccd", "quadrant", "width", "height"};

  private static final String[] COLUMNS = {
    "ccd",
    "quadrant",
    "width",
    "height",
    "overscan",
    "filter",
    "night",
    "science_frames",
    "image_type",
    "exposure_id",
    "path",
    "hdu",
    "file_length",
    "mjd",
    "exptime"
  };

  private final JavaRDD<Match> matches;
  private final Dataset<Row> needs;
  private final String settingsHash;

  /**
   * Matches the frames of a plan.
   *
   * @param settingsHash of the settings that masters depend on
   */
  CalibrationMatch(
      SparkSession spark, Plan plan, CampaignConfig.MasterSettings settings, String settingsHash) {
    this.settingsHash = settingsHash;
    Dataset<Row> usable =
        plan.frames()
            .filter("reason is null")
            .withColumn("overscan", col("without_overscan").isNull());
    Dataset<Row> calibration =
        usable
            .filter("image_type in ('bias', 'flat')")
            .withColumn("science_frames", lit(0L))
            .selectExpr(COLUMNS);
    Dataset<Row> science =
        usable
            .filter("image_type = 'science'")
            .groupBy(NEED.stream().map(functions::col).toArray(Column[]::new))
            .agg(functions.count(lit(1)).as("science_frames"))
            .selectExpr(
                "ccd",
                "quadrant",
                "width",
                "height",
                "overscan",
                "filter",
                "night",
                "science_frames",
                "'science' as image_type",
                "0L as exposure_id",
                "'' as path",
                "0 as hdu",
                "0L as file_length",
                "cast(null as double) as mjd",
                "cast(null as double) as exptime");
    this.matches =
        calibration
            .union(science)
            .repartition(tasks(spark), Stream.of(CHIP).map(functions::col).toArray(Column[]::new))
            .sortWithinPartitions(
                Stream.concat(
                        Stream.of(CHIP).map(functions::col),
                        Stream.of(
                            col("image_type").equalTo("science"),
                            col("mjd").asc_nulls_last(),
                            col("exposure_id")))
                    .toArray(Column[]::new))
            .toJavaRDD()
            .mapPartitions(rows -> new Matching(rows, settings));
    this.needs =
        spark
            .createDataFrame(matches.map(match -> match.toRow(settingsHash)), SCHEMA)
            .persist(StorageLevel.MEMORY_AND_DISK());
  }

  private static int tasks(SparkSession spark) {
    return Math.max(
        SparkSessions.slots(spark.sparkContext()),
        Integer.parseInt(spark.conf().get("spark.sql.shuffle.partitions")));
  }

  /** A row for each need, with columns {@link #SCHEMA}. */
  Dataset<Row> needs() {
    return needs;
  }

  /** The identities of the masters of a kind that are needed, in a column {@code master_id}. */
  Dataset<Row> wanted(MasterKind kind) {
    Column identities =
        kind == MasterKind.FLAT
            ? col("flat_id")
            : explode(array(col("bias_id"), col("bias_of_flat_id")));
    return needs.select(identities.as("master_id")).filter("master_id is not null").distinct();
  }

  /** The frames of every master of a kind that is needed, by the master's identity, each once. */
  JavaPairRDD<String, MasterGroup> groups(MasterKind kind) {
    String hash = settingsHash;
    return matches
        .flatMap(match -> match.groups(kind).iterator())
        .keyBy(group -> group.identity(hash))
        .reduceByKey((one, same) -> one);
  }

  @Override
  public void close() {
    needs.unpersist(false);
  }

  /** Matches the sorted rows of a partition: those of one chip after those of another. */
  private static final class Matching implements Iterator<Match> {
    private final Iterator<Row> rows;
    private final CampaignConfig.MasterSettings settings;
    private List<Object> chip;
    private List<CalibrationFrame> frames = new ArrayList<>();
    private MasterChoice choice;
    private Match next;

    Matching(Iterator<Row> rows, CampaignConfig.MasterSettings settings) {
      this.rows = rows;
      this.settings = settings;
    }

    @Override
    public boolean hasNext() {
      while (next == null && rows.hasNext()) {
        Row row = rows.next();
        List<Object> its =
            List.of(row.getString(0), row.getString(1), row.getInt(2), row.getInt(3));
        if (!its.equals(chip)) {
          chip = its;
          frames = new ArrayList<>();
          choice = null;
        }
        if (row.getLong(7) == 0) {
          frames.add(calibration(row));
        } else {
          if (choice == null) {
            choice = new MasterChoice(frames, settings);
          }
          next = Match.of(Need.of(row), choice);
        }
      }
      return next != null;
    }

    @Override
    public Match next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Match match = next;
      next = null;
      return match;
    }

    private static CalibrationFrame calibration(Row row) {
      boolean bias = row.getString(8).equals(ImageType.BIAS.word());
      return new CalibrationFrame(
          row.getLong(9),
          row.getString(10),
          row.getInt(11),
          row.getLong(12),
          bias ? MasterKind.BIAS : MasterKind.FLAT,
          amplifier(row),
          row.getString(6),
          bias ? null : row.getString(5),
          row.isNullAt(13) ? Double.NaN : row.getDouble(13),
          row.isNullAt(14) ? Double.NaN : row.getDouble(14));
    }
  }

  private static Amplifier amplifier(Row row) {
    return new Amplifier(
        row.getString(0), row.getString(1), row.getInt(2), row.getInt(3), row.getBoolean(4));
  }

  /** What science frames need masters for, and how many of them do. */
  private record Need(Amplifier amplifier, String filter, String night, long frames)
      implements Serializable {

    static Need of(Row row) {
      return new Need(
          CalibrationMatch.amplifier(row), row.getString(5), row.getString(6), row.getLong(7));
    }
  }

  /** A need with what serves it; null where nothing does. */
  private record Match(
      Need need, MasterGroup bias, boolean biasUnlike, MasterGroup flat, boolean flatUnlike)
      implements Serializable {

    static Match of(Need need, MasterChoice choice) {
      Amplifier amplifier = need.amplifier();
      Amplifier unlike = amplifier.withOtherOverscan();
      MasterGroup bias = choice.bias(amplifier, need.night()).orElse(null);
      MasterGroup flat = choice.flat(amplifier, need.filter(), need.night()).orElse(null);
      return new Match(
          need,
          bias,
          bias == null && choice.bias(unlike, need.night()).isPresent(),
          flat,
          flat == null && choice.hasFlatFrames(unlike, need.filter(), need.night()));
    }

    Stream<MasterGroup> groups(MasterKind kind) {
      return kind == MasterKind.FLAT
          ? Stream.ofNullable(flat)
          : Stream.concat(
              Stream.ofNullable(bias), Stream.ofNullable(flat == null ? null : flat.bias()));
    }

    Row toRow(String settingsHash) {
      Amplifier amplifier = need.amplifier();
      return RowFactory.create(
          amplifier.ccd(),
          amplifier.quadrant(),
          amplifier.width(),
          amplifier.height(),
          amplifier.overscan(),
          need.filter(),
          need.night(),
          need.frames(),
          bias == null ? null : bias.identity(settingsHash),
          biasUnlike,
          flat == null ? null : flat.identity(settingsHash),
          flatUnlike,
          flat == null ? null : flat.bias().identity(settingsHash));
    }
  }
}

package org.starmill.campaign;

import static org.apache.spark.sql.functions.arrays_zip;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.lag;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.IOUtils;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.api.java.function.VoidFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.expressions.WindowSpec;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.catalog.Reasons;
import org.starmill.config.CampaignConfig;
import org.starmill.instrument.ImageType;
import org.starmill.masters.Amplifier;
import org.starmill.masters.BuiltMaster;
import org.starmill.masters.MasterBuild;
import org.starmill.masters.MasterCache;
import org.starmill.masters.MasterChecked;
import org.starmill.masters.MasterGroup;
import org.starmill.masters.MasterKind;
import org.starmill.masters.MasterPair;
import org.starmill.trace.Trace;
import scala.Tuple2;

/**
 * The masters of a campaign: which its images need, and those that are built.
 *
 * <p>Works out the masters that the plan's science frames need ({@link CalibrationMatch}), builds
 * in Spark tasks those that are not there yet, first the biases and then the flats, compares each
 * of them with that of the night before, and keeps a row for each in {@code masters.parquet}. Of
 * masters and their frames the driver holds counts only: what a frame is measured with comes to it
 * by joins.
 */
final class CampaignMasters implements AutoCloseable {
  /** What a frame of which a master can hold in memory takes beside its trimmed pixels. */
  private static final long BYTES_A_PIXEL = 4;

  /**
   * What a comparison of two masters holds: both with errors and numbers of frames, and a sample.
   */
  private static final long BYTES_A_COMPARED_PIXEL = 24;

  private static final int MOST_TASKS = 10_000;

  /** Warnings that a run tells of; the table has them all. */
  private static final int WARNINGS_TOLD = 20;

  private final Map<List<Object>, Long> like = new HashMap<>();
  private final CampaignConfig.MasterSettings settings;
  private final Dataset<Row> needs;
  private final Dataset<Row> used;
  private final Dataset<Row> leftOut;

  private CampaignMasters(
      Plan plan,
      CalibrationMatch match,
      Dataset<Row> masters,
      CampaignConfig.MasterSettings settings) {
    this.settings = settings;
    for (Row kind :
        plan.frames()
            .filter("image_type in ('bias', 'flat') and reason is null")
            .groupBy(
                col("image_type"),
                col("ccd"),
                col("quadrant"),
                col("width"),
                col("height"),
                col("without_overscan").isNull())
            .count()
            .collectAsList()) {
      like.put(
          List.of(
              ImageType.valueOf(kind.getString(0).toUpperCase(Locale.ROOT)),
              new Amplifier(
                  kind.getString(1),
                  kind.getString(2),
                  kind.getInt(3),
                  kind.getInt(4),
                  kind.getBoolean(5))),
          kind.getLong(6));
    }
    StorageLevel kept = StorageLevel.MEMORY_AND_DISK();
    needs =
        match
            .needs()
            .join(outcome(masters, "bias"), column("bias_id"), "left")
            .join(outcome(masters, "flat"), column("flat_id"), "left")
            .persist(kept);
    used = masters.select(explode(col("frames")).as("exposure_id")).distinct().persist(kept);
    leftOut =
        masters
            .select(explode(arrays_zip(col("rejected"), col("rejected_reasons"))).as("frame"))
            .groupBy(col("frame.rejected").as("exposure_id"))
            .agg(max("frame.rejected_reasons").as("left_out"))
            .persist(kept);
  }

  private static Dataset<Row> outcome(Dataset<Row> masters, String kind) {
    return masters.select(
        col("master_id").as(kind + "_id"),
        col("path").as(kind + "_path"),
        col("reason").as(kind + "_reason"));
  }

  private static String[] column(String name) {
    return new String[] {name};
  }

  /**
   * Builds what is missing.
   *
   * @param warns hears what is odd about the new ones
   */
  static CampaignMasters prepare(
      SparkSession spark,
      Campaign campaign,
      Plan plan,
      CampaignRequest request,
      TaskTrace trace,
      Consumer<String> warns) {
    try (CalibrationMatch match =
        new CalibrationMatch(spark, plan, request.config().masters(), settingsHash(request))) {
      Dataset<Row> masters = new Workshop(spark, campaign, request, match, trace, warns).masters();
      CampaignMasters prepared =
          new CampaignMasters(plan, match, masters, request.config().masters());
      // What they were made of is about to be let go.
      prepared.needs.count();
      prepared.used.count();
      prepared.leftOut.count();
      return prepared;
    }
  }

  /** A hash of the settings that masters depend on. */
  static String settingsHash(CampaignRequest request) {
    StringBuilder settings = new StringBuilder(request.instrument().digest());
    request
        .config()
        .values()
        .forEach(
            (key, value) -> {
              if (key.startsWith("masters.") && CampaignConfig.changesResults(key)) {
                settings.append('\n').append(key).append('=').append(value);
              }
            });
    return CampaignConfig.digest(settings.toString());
  }

  @Override
  public void close() {
    needs.unpersist(false);
    used.unpersist(false);
    leftOut.unpersist(false);
  }

  /** The numbers of the calibration frames that went into masters of this campaign's images. */
  Dataset<Row> used() {
    return used;
  }

  /**
   * Adds to frames of the plan what {@link #workItem} asks for.
   *
   * @param frames none of which went into a master; the columns of the plan come first, others may
   *     follow
   * @param range condition on {@code exposure_id} that they all satisfy
   */
  Dataset<Row> matched(Dataset<Row> frames, Column range) {
    return frames
        .withColumn("overscan", col("without_overscan").isNull())
        .join(leftOut.filter(range), column("exposure_id"), "left")
        .join(needs, CalibrationMatch.NEED.toArray(String[]::new), "left")
        .select(
            Stream.concat(
                    Stream.of(frames.columns()),
                    Stream.of(
                        "left_out",
                        "bias_id",
                        "bias_path",
                        "bias_reason",
                        "bias_unlike",
                        "flat_id",
                        "flat_path",
                        "flat_reason",
                        "flat_unlike"))
                .map(functions::col)
                .toArray(Column[]::new));
  }

  /** What is to be done with a frame of {@link #matched}. */
  WorkItem workItem(Row row) {
    PlannedFrame frame = PlannedFrame.of(row);
    if (frame.reason() != null) {
      return WorkItem.notMeasured(frame, frame.reason());
    }
    return frame.isScience()
        ? measured(frame, row)
        : WorkItem.notMeasured(frame, whyNotUsed(frame, row.getAs("left_out")));
  }

  private String whyNotUsed(PlannedFrame frame, String leftOut) {
    String why = leftOut;
    if (why == null
        && number(frame, frame.amplifier().withOtherOverscan())
            > number(frame, frame.amplifier())) {
      why = unlike(frame, "most frames of its kind");
    }
    if (why == null) {
      why =
          switch (frame.type()) {
            case DARK -> "dark frames are not needed";
            case BIAS -> "no image needs this bias frame, or there are too few or too many like it";
            default -> "no image needs this flat frame, or there are too few or too many like it";
          };
    }
    return Reasons.notUsed(why);
  }

  /** How many calibration frames of the frame's type an amplifier has. */
  private long number(PlannedFrame frame, Amplifier amplifier) {
    return like.getOrDefault(List.of(frame.type(), amplifier), 0L);
  }

  /** What an image is to be measured with, or why it cannot be. */
  private WorkItem measured(PlannedFrame frame, Row row) {
    Amplifier amplifier = frame.amplifier();
    MasterRef bias = MasterRef.of(row, "bias");
    if (bias == null && row.<Boolean>getAs("bias_unlike")) {
      return WorkItem.notMeasured(frame, unlike(frame, "the master bias"));
    }
    if (bias == null || bias.path() == null) {
      return WorkItem.notMeasured(
          frame,
          bias == null
              ? noBias(amplifier.label(), frame.night(), settings)
              : "no bias: " + row.<String>getAs("bias_reason"));
    }
    MasterRef flat = MasterRef.of(row, "flat");
    if (flat != null && flat.path() != null) {
      return new WorkItem(frame, bias, flat, null, null);
    }
    String reason =
        flat != null
            ? "no flat: " + row.<String>getAs("flat_reason")
            : row.<Boolean>getAs("flat_unlike")
                ? "no flat: " + unlike(frame, "the flat frames")
                : noFlat(frame.filter(), amplifier.label(), frame.night(), settings);
    return settings.flatRequired()
        ? WorkItem.notMeasured(frame, reason)
        : new WorkItem(frame, bias, null, null, reason);
  }

  /** Says that there are no bias frames for what an amplifier read in a night. */
  static String noBias(String amplifier, String night, CampaignConfig.MasterSettings settings) {
    return "no bias: found no bias frames, or too few, of %s%s; add them to the input%s"
        .formatted(
            amplifier,
            within(night, settings),
            settings.hasFarthestNight() ? ", or raise masters.farthest-night" : "");
  }

  /** Says that there are no flat frames of a filter for what an amplifier read in a night. */
  static String noFlat(
      String filter, String amplifier, String night, CampaignConfig.MasterSettings settings) {
    return "no flat: found no flat frames, or too few, of filter %s and %s%s; add them to the input, %sor set masters.flat=optional"
        .formatted(
            filter,
            amplifier,
            within(night, settings),
            settings.hasFarthestNight() ? "raise masters.farthest-night, " : "");
  }

  private static String within(String night, CampaignConfig.MasterSettings settings) {
    return settings.hasFarthestNight()
        ? " within %d nights of %s".formatted(settings.farthestNight(), night)
        : "";
  }

  /** Says that the overscan alone sets a frame apart from what it belongs to. */
  private static String unlike(PlannedFrame frame, String others) {
    String remedy = "set sections.overscan.value in the instrument file";
    return frame.withoutOverscan() != null
        ? "no overscan: %s, %s had %s overscan subtracted; %s"
            .formatted(
                frame.withoutOverscan(),
                others,
                others.startsWith("the master") ? "its" : "their",
                remedy)
        : "overscan differs: this frame has an overscan section, %s had none; %s"
            .formatted(others, remedy);
  }

  /** Where the masters that are needed come from: the table where they are there, else built. */
  private static final class Workshop {
    private final SparkSession spark;
    private final Campaign campaign;
    private final CampaignRequest request;
    private final CalibrationMatch match;
    private final TaskTrace trace;
    private final Consumer<String> warns;
    private final JavaSparkContext context;

    Workshop(
        SparkSession spark,
        Campaign campaign,
        CampaignRequest request,
        CalibrationMatch match,
        TaskTrace trace,
        Consumer<String> warns) {
      this.warns = warns;
      this.spark = spark;
      this.campaign = campaign;
      this.request = request;
      this.match = match;
      this.trace = trace;
      this.context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    }

    /** All masters that the plan's images need, those that could not be built among them. */
    Dataset<Row> masters() {
      Broadcast<SerializableConfiguration> hadoop =
          context.broadcast(
              new SerializableConfiguration(spark.sparkContext().hadoopConfiguration()));
      Path staging = new Path(campaign.staging(), "masters");
      Dataset<Row> known = known();
      // Those whose file is there.
      Dataset<Row> usable =
          spark
              .createDataFrame(
                  known
                      .filter("reason is null")
                      .select("master_id", "path")
                      .toJavaRDD()
                      .filter(new Exists(hadoop)),
                  new StructType()
                      .add("master_id", DataTypes.StringType, false)
                      .add("path", DataTypes.StringType, false))
              .persist(StorageLevel.MEMORY_AND_DISK());
      try {
        campaign.fileSystem().delete(staging, true);
        Dataset<Row> built = null;
        try (FramesInWork inWork = new FramesInWork(spark.sparkContext(), campaign)) {
          for (MasterKind kind : List.of(MasterKind.BIAS, MasterKind.FLAT)) {
            Dataset<Row> more = build(kind, usable, hadoop, inWork, new Path(staging, kind.name()));
            built = built == null ? more : more == null ? built : built.unionByName(more);
          }
          if (built != null) {
            forgetHarmless(built, inWork);
          }
        }
        if (built != null) {
          Dataset<Row> others =
              known.join(built.select(col("master_id")), column("master_id"), "left_anti");
          built = compared(built, others, hadoop, new Path(staging, "compared"));
          write(others.unionByName(built));
          warn(built);
          // What is staged stays until the run ends: where one side of a join is empty, Spark goes
          // on without the other, whose tasks may read these files for a while yet.
        }
        return inUse(known());
      } catch (IOException e) {
        throw new UncheckedIOException(
            "the table of masters %s cannot be written".formatted(table()), e);
      } finally {
        usable.unpersist(false);
        hadoop.destroy();
      }
    }

    /** Those of the masters that the plan's images need. */
    private Dataset<Row> inUse(Dataset<Row> masters) {
      return masters.join(
          match.wanted(MasterKind.BIAS).union(match.wanted(MasterKind.FLAT)),
          column("master_id"),
          "left_semi");
    }

    /**
     * Compares new masters with those of the night before, and writes the changes into their files.
     *
     * <p>The night before is the last earlier one that has a master of the kind, amplifier and
     * filter, new or not, that images need. Masters of several nights, or of no date, are neither
     * compared nor compared with.
     *
     * @return the new masters with the columns of the comparison
     */
    private Dataset<Row> compared(
        Dataset<Row> built,
        Dataset<Row> others,
        Broadcast<SerializableConfiguration> hadoop,
        Path staged) {
      WindowSpec nights =
          Window.partitionBy("kind", "ccd", "quadrant", "width", "height", "overscan", "filter")
              .orderBy("night");
      Dataset<Row> pairs =
          inUse(others.unionByName(built))
              .filter("reason is null and night rlike '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'")
              .select(
                  col("master_id"),
                  col("kind"),
                  col("ccd"),
                  col("quadrant"),
                  col("filter"),
                  col("night"),
                  col("path"),
                  lag("master_id", 1).over(nights).as("previous"),
                  lag("night", 1).over(nights).as("previous_of"),
                  lag("path", 1).over(nights).as("previous_path"),
                  col("width").cast("long").multiply(col("height")).as("pixels"))
              .filter("previous is not null")
              .join(built.select("master_id"), column("master_id"), "left_semi")
              .persist(StorageLevel.MEMORY_AND_DISK());
      try {
        Row extent = pairs.agg(count(lit(1)), max("pixels")).head();
        if (extent.getLong(0) == 0) {
          return built;
        }
        long tasks = Math.min(extent.getLong(0), SparkSessions.slots(spark.sparkContext()));
        if (context.isLocal()) {
          long bytes = BYTES_A_COMPARED_PIXEL * extent.getLong(1);
          tasks = Math.min(tasks, Math.max(1, Runtime.getRuntime().maxMemory() / 2 / bytes));
        }
        Column[] order =
            Stream.of("kind", "ccd", "quadrant", "filter", "night")
                .map(functions::col)
                .toArray(Column[]::new);
        // Nights that follow each other in one task: a master is read once.
        Dataset<Row> ordered =
            pairs.repartitionByRange((int) tasks, order).sortWithinPartitions(order);
        StructType columns = new StructType().add("master_id", DataTypes.StringType, false);
        for (StructField column : BuiltMaster.COMPARISON.fields()) {
          columns = columns.add(column);
        }
        spark
            .createDataFrame(
                ordered.toJavaRDD().map(new Comparing(request.config(), hadoop, trace)), columns)
            .write()
            .parquet(staged.toString());
        Dataset<Row> changes = spark.read().schema(columns).parquet(staged.toString());
        // Only now: until all are compared a file that is read must stay as it is.
        changes
            .join(built.select("master_id", "path", "kind"), column("master_id"))
            .toJavaRDD()
            .foreach(new WritingDown(hadoop));
        return built
            .drop(BuiltMaster.COMPARISON.fieldNames())
            .join(changes, column("master_id"), "left")
            .select(
                Stream.of(BuiltMaster.SCHEMA.fieldNames())
                    .map(functions::col)
                    .toArray(Column[]::new));
      } finally {
        pairs.unpersist(false);
      }
    }

    /** Tells of what is odd about new masters. */
    private void warn(Dataset<Row> built) {
      Dataset<Row> odd = built.filter("warning is not null");
      List<Row> first =
          odd.orderBy("kind", "ccd", "quadrant", "filter", "night")
              .select("warning")
              .limit(WARNINGS_TOLD + 1)
              .collectAsList();
      first.stream().limit(WARNINGS_TOLD).forEach(row -> warns.accept(row.getString(0)));
      if (first.size() > WARNINGS_TOLD) {
        warns.accept(
            "%,d more masters have changed beyond the limits; 'starmill status --masters' lists them"
                .formatted(odd.count() - WARNINGS_TOLD));
      }
    }

    /** Frames that were in work when a process ended, and are in a master now, did not end it. */
    private static void forgetHarmless(Dataset<Row> built, FramesInWork inWork) throws IOException {
      Set<Long> lost = inWork.timesLost().keySet();
      if (!lost.isEmpty()) {
        inWork.forget(
            built
                .select(explode(col("frames")).as("frame"))
                .filter(col("frame").isInCollection(lost))
                .as(Encoders.LONG())
                .collectAsList());
      }
    }

    /** Builds the masters of a kind that are not there; null where none is missing. */
    private Dataset<Row> build(
        MasterKind kind,
        Dataset<Row> usable,
        Broadcast<SerializableConfiguration> hadoop,
        FramesInWork inWork,
        Path staged)
        throws IOException {
      Dataset<Row> identities =
          match.wanted(kind).join(usable.select("master_id"), column("master_id"), "left_anti");
      long count = identities.count();
      if (count == 0) {
        return null;
      }
      JavaRDD<MasterGroup> missing =
          match
              .groups(kind)
              .join(identities.toJavaRDD().mapToPair(row -> new Tuple2<>(row.getString(0), 0)))
              .values()
              .map(Tuple2::_1)
              .persist(StorageLevel.MEMORY_AND_DISK_SER());
      try {
        long tasks = Math.min(count, MOST_TASKS);
        if (context.isLocal()) {
          // All tasks share this heap: no more of them at a time than it can hold the frames of.
          long largest = missing.map(CampaignMasters::bytes).reduce(Math::max);
          tasks = Math.min(tasks, Math.max(1, Runtime.getRuntime().maxMemory() / 2 / largest));
        }
        JavaRDD<Row> rows =
            missing
                .zipWithIndex()
                .mapToPair(Tuple2::swap)
                .partitionBy(new HashPartitioner((int) tasks))
                .values()
                .map(
                    new Building(
                        request,
                        settingsHash(request),
                        campaign.masters().toString(),
                        SparkSessions.taskCpus(spark.sparkContext()),
                        hadoop,
                        inWork.account(hadoop),
                        inWork.timesLost(),
                        trace))
                .map(BuiltMaster::toRow);
        spark.createDataFrame(rows, BuiltMaster.SCHEMA).write().parquet(staged.toString());
        return spark.read().schema(BuiltMaster.SCHEMA).parquet(staged.toString());
      } finally {
        missing.unpersist(false);
      }
    }

    private Path table() {
      return new Path(campaign.masters(), "masters.parquet");
    }

    private Dataset<Row> known() {
      try {
        return campaign.fileSystem().exists(table())
            ? spark.read().schema(BuiltMaster.SCHEMA).parquet(table().toString())
            : spark.createDataFrame(List.of(), BuiltMaster.SCHEMA);
      } catch (IOException e) {
        throw new UncheckedIOException(
            "the table of masters %s cannot be looked up".formatted(table()), e);
      }
    }

    private void write(Dataset<Row> masters) throws IOException {
      FileSystem fileSystem = campaign.fileSystem();
      Path staged = new Path(campaign.staging(), "masters-table");
      fileSystem.delete(staged, true);
      masters.coalesce(1).sortWithinPartitions("master_id").write().parquet(staged.toString());
      for (FileStatus file : fileSystem.listStatus(staged)) {
        if (file.getPath().getName().endsWith(".parquet")) {
          campaign.lease().check();
          try (InputStream in = fileSystem.open(file.getPath())) {
            campaign
                .place()
                .put(
                    table(),
                    new Path(staged, "table"),
                    out -> IOUtils.copyBytes(in, out, 1 << 20, false));
          }
        }
      }
      fileSystem.delete(staged, true);
    }
  }

  private static long bytes(MasterGroup group) {
    Amplifier amplifier = group.amplifier();
    return Math.max(
        1, BYTES_A_PIXEL * amplifier.width() * amplifier.height() * (group.frames().size() + 4));
  }

  /** Whether the file of a master is there. */
  private static final class Exists implements Function<Row, Boolean> {
    private static final long serialVersionUID = 1L;

    private final Broadcast<SerializableConfiguration> hadoop;

    Exists(Broadcast<SerializableConfiguration> hadoop) {
      this.hadoop = hadoop;
    }

    @Override
    public Boolean call(Row master) throws IOException {
      Path file = new Path(master.<String>getAs("path"));
      return file.getFileSystem(hadoop.value().value()).exists(file);
    }
  }

  /** Compares a new master with that of the night before. */
  private static final class Comparing implements Function<Row, Row> {
    private static final long serialVersionUID = 1L;

    private final CampaignConfig config;
    private final Broadcast<SerializableConfiguration> hadoop;
    private final TaskTrace trace;

    Comparing(CampaignConfig config, Broadcast<SerializableConfiguration> hadoop, TaskTrace trace) {
      this.config = config;
      this.hadoop = hadoop;
      this.trace = trace;
    }

    @Override
    public Row call(Row row) {
      MasterPair pair =
          new MasterPair(
              row.getAs("master_id"),
              MasterKind.valueOf(row.<String>getAs("kind").toUpperCase(Locale.ROOT)),
              row.getAs("ccd"),
              row.getAs("quadrant"),
              row.getAs("filter"),
              row.getAs("night"),
              row.getAs("path"),
              row.getAs("previous"),
              row.getAs("previous_of"),
              row.getAs("previous_path"));
      MasterCache.OF_THIS_JVM.bound(config.batch().mastersBytes(Runtime.getRuntime().maxMemory()));
      return trace.of(
          "compare masters",
          () -> MasterChecked.of(pair, config.masterLimits(), hadoop.value().value()).toRow());
    }
  }

  /** Adds to the file of a new master how it has changed. */
  private static final class WritingDown implements VoidFunction<Row> {
    private static final long serialVersionUID = 1L;

    private final Broadcast<SerializableConfiguration> hadoop;

    WritingDown(Broadcast<SerializableConfiguration> hadoop) {
      this.hadoop = hadoop;
    }

    @Override
    public void call(Row row) throws IOException {
      MasterChecked.of(row)
          .addTo(
              row.getAs("path"),
              MasterKind.valueOf(row.<String>getAs("kind").toUpperCase(Locale.ROOT)),
              hadoop.value().value());
    }
  }

  /** Builds a master in a task. */
  private static final class Building implements Function<MasterGroup, BuiltMaster> {
    private static final long serialVersionUID = 1L;

    private final org.starmill.instrument.Instrument instrument;
    private final CampaignConfig config;
    private final String settingsHash;
    private final String folder;
    private final int taskCpus;
    private final Broadcast<SerializableConfiguration> hadoop;
    private final FramesInWork.Account account;
    private final Map<Long, Integer> lost;
    private final TaskTrace trace;

    Building(
        CampaignRequest request,
        String settingsHash,
        String folder,
        int taskCpus,
        Broadcast<SerializableConfiguration> hadoop,
        FramesInWork.Account account,
        Map<Long, Integer> lost,
        TaskTrace trace) {
      this.account = account;
      this.lost = lost;
      this.trace = trace;
      this.instrument = request.instrument();
      this.config = request.config();
      this.settingsHash = settingsHash;
      this.folder = folder;
      this.taskCpus = taskCpus;
      this.hadoop = hadoop;
    }

    @Override
    public BuiltMaster call(MasterGroup group) {
      return trace.of("master " + group.kind().name().toLowerCase(Locale.ROOT), () -> built(group));
    }

    private BuiltMaster built(MasterGroup group) {
      MasterBuild build =
          new MasterBuild(
              instrument, config.masters(), settingsHash, new Path(folder), hadoop.value().value());
      return Workbench.with(
          config,
          taskCpus,
          bench ->
              bench.onDevice(
                  () -> {
                    try (Trace.Open step = Trace.step("build the master");
                        FramesInWork.Marks marks = account.open()) {
                      return build.build(group, bench.device(), new MarkedFrames(marks, lost));
                    } catch (IOException e) {
                      throw new UncheckedIOException(
                          "the master of %s cannot be written to %s: %s"
                              .formatted(group.amplifier().label(), folder, e.getMessage()),
                          e);
                    }
                  }));
    }
  }
}

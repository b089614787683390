package org.starmill.campaign;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.catalog.Reasons;
import org.starmill.config.CampaignConfig;
import org.starmill.instrument.ImageType;
import org.starmill.masters.Amplifier;
import org.starmill.masters.BuiltMaster;
import org.starmill.masters.CalibrationFrame;
import org.starmill.masters.MasterBuild;
import org.starmill.masters.MasterChoice;
import org.starmill.masters.MasterGroup;
import org.starmill.masters.MasterKind;
import org.starmill.trace.Trace;

/**
 * The masters of a campaign: which its images need, and those that are built.
 *
 * <p>Works out the masters that the plan's science frames need, builds in Spark tasks those that
 * are not there yet, first the biases and then the flats, and keeps a row for each in {@code
 * masters.parquet}.
 */
final class CampaignMasters {
  /** What a frame of which a master can hold in memory takes beside its trimmed pixels. */
  private static final long BYTES_A_PIXEL = 4;

  private final Map<String, BuiltMaster> byIdentity = new LinkedHashMap<>();
  private final Map<Long, String> leftOut = new HashMap<>();
  private final Set<Long> used = new HashSet<>();
  private final Map<List<Object>, Integer> like = new HashMap<>();
  private final MasterChoice choice;
  private final String settingsHash;
  private final boolean flatRequired;

  private CampaignMasters(MasterChoice choice, String settingsHash, boolean flatRequired) {
    this.choice = choice;
    this.settingsHash = settingsHash;
    this.flatRequired = flatRequired;
  }

  /** Builds what is missing. */
  static CampaignMasters prepare(
      SparkSession spark, Campaign campaign, Plan plan, CampaignRequest request, TaskTrace trace) {
    CampaignConfig config = request.config();
    List<PlannedFrame> calibrations =
        plan.frames("image_type in ('bias', 'flat') and reason is null");
    String settingsHash = settingsHash(request);
    CampaignMasters masters =
        new CampaignMasters(
            new MasterChoice(inOrderOfTime(calibrations), config.masters()),
            settingsHash,
            config.masters().flatRequired());
    for (PlannedFrame frame : calibrations) {
      masters.like.merge(likeness(frame, frame.amplifier()), 1, Integer::sum);
    }
    masters.build(spark, campaign, plan, request, trace);
    return masters;
  }

  private static List<Object> likeness(PlannedFrame frame, Amplifier amplifier) {
    return List.of(frame.type(), amplifier);
  }

  private static String settingsHash(CampaignRequest request) {
    StringBuilder settings = new StringBuilder(request.instrument().digest());
    request
        .config()
        .values()
        .forEach(
            (key, value) -> {
              if (key.startsWith("masters.")) {
                settings.append('\n').append(key).append('=').append(value);
              }
            });
    return CampaignConfig.digest(settings.toString());
  }

  private static List<CalibrationFrame> inOrderOfTime(List<PlannedFrame> frames) {
    return frames.stream()
        .sorted(
            Comparator.comparingDouble(
                    (PlannedFrame frame) ->
                        frame.mjd() == null ? Double.POSITIVE_INFINITY : frame.mjd())
                .thenComparingLong(PlannedFrame::exposureId))
        .map(CampaignMasters::calibration)
        .toList();
  }

  private static CalibrationFrame calibration(PlannedFrame frame) {
    boolean bias = frame.type() == ImageType.BIAS;
    return new CalibrationFrame(
        frame.exposureId(),
        frame.path(),
        frame.hdu(),
        frame.fileLength(),
        bias ? MasterKind.BIAS : MasterKind.FLAT,
        frame.amplifier(),
        frame.night(),
        bias ? null : frame.filter());
  }

  private void build(
      SparkSession spark, Campaign campaign, Plan plan, CampaignRequest request, TaskTrace trace) {
    Map<String, MasterGroup> biases = new LinkedHashMap<>();
    Map<String, MasterGroup> flats = new LinkedHashMap<>();
    for (Row need :
        plan.frames()
            .filter("image_type = 'science' and reason is null")
            .selectExpr(
                "ccd",
                "quadrant",
                "width",
                "height",
                "filter",
                "night",
                "without_overscan is null as overscan")
            .distinct()
            .orderBy("night", "ccd", "quadrant", "width", "height", "filter", "overscan")
            .collectAsList()) {
      Amplifier amplifier =
          new Amplifier(
              need.getString(0),
              need.getString(1),
              need.getInt(2),
              need.getInt(3),
              need.getBoolean(6));
      choice
          .bias(amplifier, need.getString(5))
          .ifPresent(group -> biases.put(group.identity(settingsHash), group));
      choice
          .flat(amplifier, need.getString(4), need.getString(5))
          .ifPresent(
              group -> {
                flats.put(group.identity(settingsHash), group);
                biases.put(group.bias().identity(settingsHash), group.bias());
              });
    }
    Map<String, BuiltMaster> known = read(spark, campaign);
    boolean changed = build(spark, campaign, request, biases, known, trace);
    changed |= build(spark, campaign, request, flats, known, trace);
    for (BuiltMaster master : byIdentity.values()) {
      used.addAll(master.frames());
      for (int i = 0; i < master.rejected().size(); i++) {
        leftOut.put(master.rejected().get(i), master.rejectedReasons().get(i));
      }
    }
    if (changed) {
      known.putAll(byIdentity);
      write(spark, campaign, known.values());
    }
  }

  /** Builds the masters of one kind that are not known; says whether there were any. */
  private boolean build(
      SparkSession spark,
      Campaign campaign,
      CampaignRequest request,
      Map<String, MasterGroup> groups,
      Map<String, BuiltMaster> known,
      TaskTrace trace) {
    List<MasterGroup> missing = new ArrayList<>();
    groups.forEach(
        (identity, group) -> {
          BuiltMaster there = known.get(identity);
          if (there != null && there.reason() == null && exists(campaign, there.path())) {
            byIdentity.put(identity, there);
          } else {
            missing.add(group);
          }
        });
    if (missing.isEmpty()) {
      return false;
    }
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> hadoop =
        context.broadcast(
            new SerializableConfiguration(spark.sparkContext().hadoopConfiguration()));
    Building building =
        new Building(
            request,
            settingsHash,
            campaign.masters().toString(),
            SparkSessions.taskCpus(spark.sparkContext()),
            hadoop,
            trace);
    int tasks = missing.size();
    if (context.isLocal()) {
      // All tasks share this heap: no more of them at a time than it can hold the frames of.
      long largest = missing.stream().mapToLong(CampaignMasters::bytes).max().orElse(1);
      long fit = Math.max(1, Runtime.getRuntime().maxMemory() / 2 / Math.max(1, largest));
      tasks = (int) Math.min(tasks, fit);
    }
    for (BuiltMaster master : context.parallelize(missing, tasks).map(building).collect()) {
      byIdentity.put(master.identity(), master);
    }
    hadoop.destroy();
    return true;
  }

  private static long bytes(MasterGroup group) {
    Amplifier amplifier = group.amplifier();
    return BYTES_A_PIXEL * amplifier.width() * amplifier.height() * (group.frames().size() + 4);
  }

  private static boolean exists(Campaign campaign, String path) {
    try {
      return campaign.fileSystem().exists(new Path(path));
    } catch (IOException e) {
      throw new UncheckedIOException("the master %s cannot be looked up".formatted(path), e);
    }
  }

  private static Path table(Campaign campaign) {
    return new Path(campaign.masters(), "masters.parquet");
  }

  private static Map<String, BuiltMaster> read(SparkSession spark, Campaign campaign) {
    Map<String, BuiltMaster> known = new LinkedHashMap<>();
    Path table = table(campaign);
    if (exists(campaign, table.toString())) {
      for (Row row :
          spark.read().schema(BuiltMaster.SCHEMA).parquet(table.toString()).collectAsList()) {
        BuiltMaster master = BuiltMaster.of(row);
        known.put(master.identity(), master);
      }
    }
    return known;
  }

  private static void write(
      SparkSession spark, Campaign campaign, Collection<BuiltMaster> masters) {
    FileSystem fileSystem = campaign.fileSystem();
    Path staged = new Path(campaign.staging(), "masters");
    List<Row> rows =
        masters.stream()
            .sorted(Comparator.comparing(BuiltMaster::identity))
            .map(BuiltMaster::toRow)
            .toList();
    try {
      fileSystem.delete(staged, true);
      spark
          .createDataFrame(rows, BuiltMaster.SCHEMA)
          .coalesce(1)
          .write()
          .parquet(staged.toString());
      for (FileStatus file : fileSystem.listStatus(staged)) {
        if (file.getPath().getName().endsWith(".parquet")) {
          // A table lost in between is written again: its masters are then built anew.
          fileSystem.delete(table(campaign), false);
          campaign.rename(file.getPath(), table(campaign));
        }
      }
      fileSystem.delete(staged, true);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the table of masters %s cannot be written".formatted(table(campaign)), e);
    }
  }

  /** All masters that the plan's images need, those that could not be built among them. */
  Collection<BuiltMaster> all() {
    return byIdentity.values();
  }

  /** Whether a calibration frame went into a master. */
  boolean uses(PlannedFrame frame) {
    return used.contains(frame.exposureId());
  }

  /** Why a calibration frame went into no master. */
  String whyNotUsed(PlannedFrame frame) {
    String why = leftOut.get(frame.exposureId());
    if (why == null
        && like.getOrDefault(likeness(frame, frame.amplifier().withOtherOverscan()), 0)
            > like.getOrDefault(likeness(frame, frame.amplifier()), 0)) {
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

  /** What an image is to be measured with, or why it cannot be. */
  WorkItem workItem(PlannedFrame frame) {
    Amplifier amplifier = frame.amplifier();
    BuiltMaster bias = built(choice.bias(amplifier, frame.night()));
    if (bias == null && choice.bias(amplifier.withOtherOverscan(), frame.night()).isPresent()) {
      return WorkItem.notMeasured(frame, unlike(frame, "the master bias"));
    }
    if (bias == null || bias.reason() != null) {
      return WorkItem.notMeasured(
          frame,
          bias == null
              ? "no bias: found no bias frames, or too few, of %s; add them to the input"
                  .formatted(amplifier.label())
              : "no bias: " + bias.reason());
    }
    BuiltMaster flat = built(choice.flat(amplifier, frame.filter(), frame.night()));
    if (flat != null && flat.reason() == null) {
      return new WorkItem(frame, bias, flat, null, null);
    }
    boolean unlike =
        flat == null && choice.hasFlatFrames(amplifier.withOtherOverscan(), frame.filter());
    String reason =
        unlike
            ? "no flat: " + unlike(frame, "the flat frames")
            : flat == null
                ? "no flat: found no flat frames, or too few, of filter %s and %s; add them to the input, or set masters.flat=optional"
                    .formatted(frame.filter(), amplifier.label())
                : "no flat: " + flat.reason();
    return flatRequired
        ? WorkItem.notMeasured(frame, reason)
        : new WorkItem(frame, bias, null, null, reason);
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

  private BuiltMaster built(Optional<MasterGroup> group) {
    return group.map(one -> byIdentity.get(one.identity(settingsHash))).orElse(null);
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
    private final TaskTrace trace;

    Building(
        CampaignRequest request,
        String settingsHash,
        String folder,
        int taskCpus,
        Broadcast<SerializableConfiguration> hadoop,
        TaskTrace trace) {
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
                    try (Trace.Open step = Trace.step("build the master")) {
                      return build.build(group, bench.device());
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

package org.starmill.campaign;

import java.io.IOException;
import java.io.Serializable;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.catalog.ExposureRow;
import org.starmill.device.DeviceException;
import org.starmill.device.Devices;
import org.starmill.instrument.ImageType;
import org.starmill.trace.Trace;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/**
 * Runs a campaign: plans it, builds its masters, and reduces its images batch by batch.
 *
 * <p>What has a row in the exposures table is done; everything else of the plan is cut into
 * batches, each one Spark job and one commit ({@link Ledger}). So a run that was killed goes on
 * where it stood, and one that has nothing to do does nothing.
 */
public final class CampaignRun {
  /** More tasks than slots, so that a slot with easy images takes over from one with hard ones. */
  private static final int TASKS_A_SLOT = 16;

  /** The column that names the batch of an image that is tried again. */
  private static final String BATCH = "batch";

  private static final Pattern FAILURE_OF_A_FILE =
      Pattern.compile("(?:IOException|FSError|CampaignStopped): ([^\\n]+)");

  private final SparkSession spark;
  private final CampaignRequest request;
  private final CampaignProgress progress;
  private final RunTrace trace;
  private final RunScope scope;

  /** A run of all that is left, that nothing is recorded of. */
  public CampaignRun(SparkSession spark, CampaignRequest request, CampaignProgress progress) {
    this(spark, request, progress, RunTrace.off(), RunScope.ALL);
  }

  /**
   * A run.
   *
   * @param trace gets what is done when; it is the caller's to close
   * @param scope which images it takes on
   */
  public CampaignRun(
      SparkSession spark,
      CampaignRequest request,
      CampaignProgress progress,
      RunTrace trace,
      RunScope scope) {
    this.trace = trace;
    this.scope = scope;
    this.spark = spark;
    this.request = request;
    this.progress = progress;
  }

  /**
   * Plans the campaign only.
   *
   * @throws Refused where something is wrong for all images; nothing is written then
   * @throws CampaignStopped where the folder or a file cannot be written or read any more
   */
  public Campaign plan() {
    Campaign campaign = open();
    try (Lease lease = campaign.lease()) {
      plan(campaign);
      return campaign;
    } catch (Exception | FSError failure) {
      throw stopped(campaign, failure);
    }
  }

  private Campaign open() {
    return Campaign.openOrPrepare(
        request.output(),
        new Campaign.Identity(
            request.campaignId(),
            request.instrument().name(),
            request.config().hash(request.instrument().digest()),
            SoftwareVersion.NAME,
            Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()),
        scope.changesAllowed(),
        spark.sparkContext().hadoopConfiguration());
  }

  private Ledger ledger(Campaign campaign) {
    return new Ledger(campaign, request.config().output().compression());
  }

  private void plan(Campaign campaign) throws IOException {
    if (campaign.isThere()) {
      campaign.lease().take(progress::stage);
      ledger(campaign).recover().forEach(done -> progress.stage("an earlier run: " + done));
    }
    List<Inputs.InputFile> files =
        Inputs.list(
            request.inputs(), campaign.folder(), spark.sparkContext().hadoopConfiguration());
    progress.stage("reading the headers of %d files".formatted(files.size()));
    new Plan(spark, campaign).extend(files, request.instrument(), request.output());
    campaign.establish();
  }

  /**
   * Does everything that is still to do, or what of it is in the scope.
   *
   * @throws Refused where something is wrong for all images; nothing is written then
   * @throws CampaignStopped where the folder or a file cannot be written or read any more; what was
   *     committed counts
   */
  public Campaign run() {
    refuseWithoutDevice();
    Campaign campaign = open();
    try (Lease lease = campaign.lease()) {
      try (Trace.Open planning = Trace.step("plan")) {
        plan(campaign);
      }
      Plan plan = new Plan(spark, campaign);
      Ledger ledger = ledger(campaign);
      Dataset<Row> retried = null;
      if (!scope.retry().isEmpty()) {
        retried = RetriedImages.of(spark, campaign, ledger, scope.retry());
        new PlanCorrection(spark, campaign, request.instrument()).readAgain(retried);
      }
      progress.stage("building the masters");
      CampaignMasters masters;
      try (Trace.Open building = Trace.step("masters")) {
        masters = CampaignMasters.prepare(spark, campaign, plan, request, trace.tasks());
      }
      trace.write();
      if (retried == null) {
        reduceWhatIsLeft(campaign, plan, ledger, masters);
      } else {
        reduceAgain(campaign, plan, ledger, masters, retried);
      }
      ledger.recover();
      return campaign;
    } catch (Exception | FSError failure) {
      throw stopped(campaign, failure);
    }
  }

  /** What ends a run that is nobody's mistake in usage and no error of the program. */
  private static RuntimeException stopped(Campaign campaign, Throwable failure) {
    String root = null;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof Refused
          || cause instanceof CampaignStopped
          || cause instanceof DeviceException) {
        return (RuntimeException) cause;
      }
      if (cause instanceof IOException || cause instanceof FSError) {
        root = cause.getMessage();
      } else if (cause instanceof SparkException && cause.getCause() == null) {
        root = inTask(cause.getMessage());
      }
    }
    if (root == null) {
      // Spark's own exceptions are checked ones, and not declared.
      return failure instanceof RuntimeException unchecked
          ? unchecked
          : new IllegalStateException(failure.getMessage(), failure);
    }
    return new CampaignStopped(
        "--output %s: the campaign could not go on: %s; what was committed counts; see that the disk or store has room and can be reached and written, and give the command again"
            .formatted(campaign.folder(), root),
        failure);
  }

  /** What a task could not read or write, where Spark has handed on its stack as text alone. */
  private static String inTask(String text) {
    String found = null;
    Matcher failures = FAILURE_OF_A_FILE.matcher(text);
    while (failures.find()) {
      found = failures.group(1);
    }
    return found;
  }

  /** In local mode the device is that of this machine; on a cluster each executor has its own. */
  private void refuseWithoutDevice() {
    if (spark.sparkContext().isLocal() && !request.config().device().fallsBackToJava()) {
      try {
        Devices.choose(request.config().device().name(), 1).close();
      } catch (DeviceException missing) {
        throw new Refused(missing.getMessage(), missing);
      }
    }
  }

  private void reduceWhatIsLeft(
      Campaign campaign, Plan plan, Ledger ledger, CampaignMasters masters) throws IOException {
    Dataset<Row> left = plan.frames();
    long before = 0;
    if (campaign.hasRows(campaign.exposures())) {
      Dataset<Row> done = ledger.exposures(spark).select("exposure_id");
      before = done.count();
      left = left.join(done, left.col("exposure_id").equalTo(done.col("exposure_id")), "left_anti");
    }
    // Images that share their masters sit together.
    left = left.orderBy("night", "ccd", "quadrant", "filter", "exposure_id").persist();
    try {
      long usedByMasters =
          left.filter("image_type in ('bias', 'flat') and reason is null").collectAsList().stream()
              .map(PlannedFrame::of)
              .filter(masters::uses)
              .count();
      reduce(campaign, ledger, masters, left, left.count() - usedByMasters, before);
    } finally {
      left.unpersist(false);
    }
  }

  private void reduceAgain(
      Campaign campaign, Plan plan, Ledger ledger, CampaignMasters masters, Dataset<Row> retried)
      throws IOException {
    Dataset<Row> frames = plan.frames();
    // Those of one batch sit together, so that it is replaced once, or twice at its ends.
    frames =
        frames
            .join(retried, frames.col("exposure_id").equalTo(retried.col("exposure_id")))
            .drop(retried.col("exposure_id"))
            .orderBy(BATCH, "exposure_id")
            .localCheckpoint(true);
    reduce(campaign, ledger, masters, frames, frames.count(), 0);
  }

  /**
   * Reduces frames, a Spark job for so many as make a batch.
   *
   * @param frames those of the plan that are to have a row; with a column "batch" where they have
   *     one already, in that batch
   * @param count number of them that no master has used
   * @param before number of frames done earlier
   */
  private void reduce(
      Campaign campaign,
      Ledger ledger,
      CampaignMasters masters,
      Dataset<Row> frames,
      long count,
      long before)
      throws IOException {
    boolean again = Arrays.asList(frames.columns()).contains(BATCH);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> hadoop =
        context.broadcast(
            new SerializableConfiguration(spark.sparkContext().hadoopConfiguration()));
    long most = Math.min(count, scope.limit());
    try {
      progress.begin(most, before);
      SortedMap<String, List<WorkItem>> batches = new TreeMap<>();
      long done = 0;
      int items = 0;
      Iterator<Row> rows = frames.toLocalIterator();
      while (rows.hasNext() && done + items < most) {
        Row row = rows.next();
        PlannedFrame frame = PlannedFrame.of(row);
        if (!again && isInMaster(frame, masters)) {
          continue;
        }
        String batch =
            again
                ? row.getAs(BATCH)
                : batches.isEmpty() ? Ledger.batchName(frame.exposureId()) : batches.firstKey();
        batches.computeIfAbsent(batch, name -> new ArrayList<>()).add(workItem(frame, masters));
        items++;
        if (items == request.config().batch().images()) {
          reduce(campaign, ledger, batches, again, done, context, hadoop);
          done += items;
          items = 0;
          batches.clear();
        }
      }
      if (items > 0) {
        reduce(campaign, ledger, batches, again, done, context, hadoop);
      }
    } finally {
      progress.end();
      hadoop.destroy();
    }
    if (most < count) {
      progress.stage(
          "ended at --limit %,d: %,d frames are left; the same command goes on with them"
              .formatted(most, count - most));
    }
  }

  private static boolean isInMaster(PlannedFrame frame, CampaignMasters masters) {
    return frame.reason() == null && frame.type() != ImageType.SCIENCE && masters.uses(frame);
  }

  private static WorkItem workItem(PlannedFrame frame, CampaignMasters masters) {
    if (frame.reason() != null) {
      return WorkItem.notMeasured(frame, frame.reason());
    }
    return frame.isScience()
        ? masters.workItem(frame)
        : WorkItem.notMeasured(frame, masters.whyNotUsed(frame));
  }

  /**
   * Reduces the images of one Spark job.
   *
   * @param batches what is to be done of each; several only where they are there already
   * @param again whether they are
   */
  private void reduce(
      Campaign campaign,
      Ledger ledger,
      SortedMap<String, List<WorkItem>> batches,
      boolean again,
      long before,
      JavaSparkContext context,
      Broadcast<SerializableConfiguration> hadoop)
      throws IOException {
    String job = batches.firstKey();
    Path staged = ledger.staged(job);
    campaign.fileSystem().mkdirs(staged);
    int images = batches.values().stream().mapToInt(List::size).sum();
    int tasks = Math.min(images, TASKS_A_SLOT * SparkSessions.slots(spark.sparkContext()));
    List<String> batchOfShare = new ArrayList<>();
    List<List<WorkItem>> shares = new ArrayList<>();
    batches.forEach(
        (batch, items) -> {
          // The stars of a task are those of one batch.
          int most = Math.max(1, tasks * items.size() / images);
          for (List<WorkItem> share : shares(items, most)) {
            batchOfShare.add(batch);
            shares.add(share);
          }
        });
    List<BatchTask.Result> results = new ArrayList<>();
    for (int i = 0; i < shares.size(); i++) {
      results.add(null);
    }
    ClassTag<BatchTask.Result> tag = ClassTag$.MODULE$.apply(BatchTask.Result.class);
    try (Trace.Open tasksAtWork = Trace.step(job);
        RunningImages running =
            new RunningImages(
                spark.sparkContext(), now -> progress.done(before + Math.min(now, images)))) {
      BatchTask task =
          new BatchTask(
              request.instrument(),
              request.config(),
              campaign.identity(),
              staged.toString(),
              SparkSessions.taskCpus(spark.sparkContext()),
              hadoop,
              running.counter(),
              trace.tasks());
      spark
          .sparkContext()
          .runJob(
              context.parallelize(shares, shares.size()).rdd(),
              new Share(task),
              scala.jdk.javaapi.CollectionConverters.asScala(partitions(shares.size())).toSeq(),
              new Collecting(results, progress),
              tag);
    }
    try (Trace.Open commit = Trace.step("commit")) {
      for (String batch : batches.keySet()) {
        List<String> files = new ArrayList<>();
        List<ExposureRow> exposures = new ArrayList<>();
        for (int i = 0; i < shares.size(); i++) {
          if (batchOfShare.get(i).equals(batch)) {
            BatchTask.Result result = results.get(i);
            exposures.addAll(result.exposures());
            if (result.file() != null) {
              files.add(result.file());
            }
          }
        }
        exposures.sort(Comparator.comparingLong(ExposureRow::exposureId));
        if (again) {
          ledger.replace(job, batch, files, exposures);
        } else {
          ledger.commit(job, batch, files, exposures);
        }
      }
      ledger.removeStaged(job);
    }
    trace.write();
  }

  private static List<List<WorkItem>> shares(List<WorkItem> items, int tasks) {
    List<List<WorkItem>> shares = new ArrayList<>();
    for (int task = 0; task < tasks; task++) {
      int from = (int) ((long) items.size() * task / tasks);
      int to = (int) ((long) items.size() * (task + 1) / tasks);
      shares.add(new ArrayList<>(items.subList(from, to)));
    }
    return shares;
  }

  private static List<Object> partitions(int count) {
    List<Object> partitions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      partitions.add(i);
    }
    return partitions;
  }

  /** Does the one share of a task. */
  private static final class Share
      extends AbstractFunction2<
          TaskContext, scala.collection.Iterator<List<WorkItem>>, BatchTask.Result>
      implements Serializable {
    private static final long serialVersionUID = 1L;

    private final BatchTask task;

    Share(BatchTask task) {
      this.task = task;
    }

    @Override
    public BatchTask.Result apply(
        TaskContext context, scala.collection.Iterator<List<WorkItem>> shares) {
      return task.run(shares.next());
    }
  }

  /** Takes the result of the attempt that counts, of each task, on the driver. */
  private static final class Collecting
      extends AbstractFunction2<Object, BatchTask.Result, BoxedUnit> {
    private final List<BatchTask.Result> results;
    private final CampaignProgress progress;

    Collecting(List<BatchTask.Result> results, CampaignProgress progress) {
      this.results = results;
      this.progress = progress;
    }

    @Override
    public BoxedUnit apply(Object partition, BatchTask.Result result) {
      results.set((Integer) partition, result);
      result.exposures().forEach(progress::image);
      return BoxedUnit.UNIT;
    }
  }
}

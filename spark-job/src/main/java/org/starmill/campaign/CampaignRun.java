package org.starmill.campaign;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
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
  private final SparkSession spark;
  private final CampaignRequest request;
  private final CampaignProgress progress;
  private final RunTrace trace;

  /** A run that nothing is recorded of. */
  public CampaignRun(SparkSession spark, CampaignRequest request, CampaignProgress progress) {
    this(spark, request, progress, RunTrace.off());
  }

  /**
   * A run.
   *
   * @param trace gets what is done when; it is the caller's to close
   */
  public CampaignRun(
      SparkSession spark, CampaignRequest request, CampaignProgress progress, RunTrace trace) {
    this.trace = trace;
    this.spark = spark;
    this.request = request;
    this.progress = progress;
  }

  /**
   * Plans the campaign only.
   *
   * @throws Refused where something is wrong for all images; nothing is written then
   */
  public Campaign plan() {
    Campaign campaign =
        Campaign.openOrPrepare(
            request.output(),
            new Campaign.Identity(
                request.campaignId(),
                request.instrument().name(),
                request.config().hash(request.instrument().digest()),
                SoftwareVersion.NAME,
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()),
            spark.sparkContext().hadoopConfiguration());
    List<Inputs.InputFile> files =
        Inputs.list(
            request.inputs(), campaign.folder(), spark.sparkContext().hadoopConfiguration());
    progress.stage("reading the headers of %d files".formatted(files.size()));
    new Plan(spark, campaign).extend(files, request.instrument(), request.output());
    return campaign;
  }

  /**
   * Does everything that is still to do.
   *
   * @throws Refused where something is wrong for all images; nothing is written then
   */
  public Campaign run() {
    refuseWithoutDevice();
    Campaign campaign;
    try (Trace.Open planning = Trace.step("plan")) {
      campaign = plan();
    }
    Plan plan = new Plan(spark, campaign);
    Ledger ledger = new Ledger(campaign, request.config().output().compression());
    try {
      ledger.removeLeftovers();
      progress.stage("building the masters");
      CampaignMasters masters;
      try (Trace.Open building = Trace.step("masters")) {
        masters = CampaignMasters.prepare(spark, campaign, plan, request, trace.tasks());
      }
      trace.write();
      reduce(campaign, plan, ledger, masters);
      ledger.removeLeftovers();
      return campaign;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "campaign in %s: %s".formatted(campaign.folder(), e.getMessage()), e);
    }
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

  private void reduce(Campaign campaign, Plan plan, Ledger ledger, CampaignMasters masters)
      throws IOException {
    Dataset<Row> left = plan.frames();
    long before = 0;
    if (campaign.hasRows(campaign.exposures())) {
      Dataset<Row> done = ledger.exposures(spark).select("exposure_id");
      before = done.count();
      left = left.join(done, left.col("exposure_id").equalTo(done.col("exposure_id")), "left_anti");
    }
    // Images that share their masters sit together.
    left = left.orderBy("night", "ccd", "quadrant", "filter", "exposure_id").persist();
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> hadoop =
        context.broadcast(
            new SerializableConfiguration(spark.sparkContext().hadoopConfiguration()));
    try {
      long usedByMasters =
          left.filter("image_type in ('bias', 'flat') and reason is null").collectAsList().stream()
              .map(PlannedFrame::of)
              .filter(masters::uses)
              .count();
      progress.begin(left.count() - usedByMasters, before);
      List<WorkItem> batch = new ArrayList<>();
      long done = 0;
      Iterator<Row> rows = left.toLocalIterator();
      while (rows.hasNext()) {
        PlannedFrame frame = PlannedFrame.of(rows.next());
        if (frame.reason() == null && frame.type() != ImageType.SCIENCE && masters.uses(frame)) {
          continue;
        }
        batch.add(workItem(frame, masters));
        if (batch.size() == request.config().batch().images()) {
          reduce(campaign, ledger, batch, done, context, hadoop);
          done += batch.size();
          batch.clear();
        }
      }
      if (!batch.isEmpty()) {
        reduce(campaign, ledger, batch, done, context, hadoop);
      }
    } finally {
      progress.end();
      left.unpersist(false);
      hadoop.destroy();
    }
  }

  private static WorkItem workItem(PlannedFrame frame, CampaignMasters masters) {
    if (frame.reason() != null) {
      return WorkItem.notMeasured(frame, frame.reason());
    }
    return frame.isScience()
        ? masters.workItem(frame)
        : WorkItem.notMeasured(frame, masters.whyNotUsed(frame));
  }

  private void reduce(
      Campaign campaign,
      Ledger ledger,
      List<WorkItem> items,
      long before,
      JavaSparkContext context,
      Broadcast<SerializableConfiguration> hadoop)
      throws IOException {
    String batch = Ledger.batchName(items.get(0).frame().exposureId());
    Path staged = ledger.stagedSources(batch);
    campaign.fileSystem().mkdirs(staged);
    List<List<WorkItem>> cut =
        Shares.of(items, item -> 1, SparkSessions.slots(spark.sparkContext()));
    int tasks = cut.size();
    JavaRDD<List<WorkItem>> shares = context.parallelize(cut, tasks);
    Set<String> files = new HashSet<>();
    List<ExposureRow> exposures = new ArrayList<>();
    ClassTag<BatchTask.Result> tag = ClassTag$.MODULE$.apply(BatchTask.Result.class);
    try (Trace.Open tasksAtWork = Trace.step(batch);
        RunningImages running =
            new RunningImages(
                spark.sparkContext(), now -> progress.done(before + Math.min(now, items.size())))) {
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
              shares.rdd(),
              new Share(task),
              scala.jdk.javaapi.CollectionConverters.asScala(partitions(tasks)).toSeq(),
              new Collecting(files, exposures, progress),
              tag);
    }
    exposures.sort(Comparator.comparingLong(ExposureRow::exposureId));
    try (Trace.Open commit = Trace.step("commit")) {
      ledger.commit(batch, files, exposures);
    }
    trace.write();
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
    private final Set<String> files;
    private final List<ExposureRow> exposures;
    private final CampaignProgress progress;

    Collecting(Set<String> files, List<ExposureRow> exposures, CampaignProgress progress) {
      this.files = files;
      this.exposures = exposures;
      this.progress = progress;
    }

    @Override
    public BoxedUnit apply(Object partition, BatchTask.Result result) {
      if (result.file() != null) {
        files.add(result.file());
      }
      exposures.addAll(result.exposures());
      result.exposures().forEach(progress::image);
      return BoxedUnit.UNIT;
    }
  }
}

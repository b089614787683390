package org.starmill.campaign;

import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FSError;
import org.apache.spark.SparkException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.starmill.device.DeviceException;
import org.starmill.device.Devices;
import org.starmill.instrument.ImageType;
import org.starmill.trace.Trace;

/**
 * Runs a campaign: plans it, builds its masters, and reduces its images batch by batch.
 *
 * <p>What has a row in the exposures table is done; everything else of the plan is cut into
 * batches, each one Spark job and one commit ({@link Ledger}). So a run that was killed goes on
 * where it stood, and one that has nothing to do does nothing.
 */
public final class CampaignRun {
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
    StarsExpected expected = ofAnEarlierCampaign();
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
        reduceWhatIsLeft(campaign, plan, ledger, masters, expected);
      } else {
        reduceAgain(campaign, plan, ledger, masters, expected, retried);
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
      Campaign campaign, Plan plan, Ledger ledger, CampaignMasters masters, StarsExpected expected)
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
    try {
      long usedByMasters =
          left.filter("image_type in ('bias', 'flat') and reason is null").collectAsList().stream()
              .map(PlannedFrame::of)
              .filter(masters::uses)
              .count();
      reduce(campaign, ledger, masters, expected, left, left.count() - usedByMasters, before);
    } finally {
      left.unpersist(false);
    }
  }

  private void reduceAgain(
      Campaign campaign,
      Plan plan,
      Ledger ledger,
      CampaignMasters masters,
      StarsExpected expected,
      Dataset<Row> retried)
      throws IOException {
    Dataset<Row> frames = plan.frames();
    // Those of one batch sit together, so that it is replaced once, or twice at its ends.
    frames =
        frames
            .join(retried, frames.col("exposure_id").equalTo(retried.col("exposure_id")))
            .drop(retried.col("exposure_id"))
            .orderBy(BATCH, "exposure_id")
            .localCheckpoint(true);
    reduce(campaign, ledger, masters, expected, frames, frames.count(), 0);
  }

  /** An image to be dealt with, and the batch that has its row; null where it has none. */
  private record Tried(String batch, WorkItem item) {}

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
      StarsExpected expected,
      Dataset<Row> frames,
      long count,
      long before)
      throws IOException {
    boolean again = Arrays.asList(frames.columns()).contains(BATCH);
    long most = Math.min(count, scope.limit());
    expected.learn(spark, campaign);
    try (FramesInWork inWork = new FramesInWork(spark.sparkContext(), campaign);
        BatchRun run =
            new BatchRun(spark, campaign, ledger, request, progress, trace, expected, inWork)) {
      Map<Long, Integer> lost = inWork.timesLost();
      progress.begin(most, before);
      List<Tried> suspects = new ArrayList<>();
      List<Tried> batch = new ArrayList<>();
      long done = 0;
      Iterator<Row> rows = frames.toLocalIterator();
      while (rows.hasNext() && done + batch.size() + suspects.size() < most) {
        Row row = rows.next();
        PlannedFrame frame = PlannedFrame.of(row);
        if (!again && isInMaster(frame, masters)) {
          continue;
        }
        String holder = again ? row.getAs(BATCH) : null;
        WorkItem item = workItem(frame, masters);
        if (lost.containsKey(frame.exposureId())) {
          // Not before all others are safe.
          suspects.add(new Tried(holder, item.lost(lost.get(frame.exposureId()))));
          continue;
        }
        batch.add(new Tried(holder, item));
        if (batch.size() == request.config().batch().images()) {
          run.reduce(byBatch(batch), again, done);
          done += batch.size();
          batch.clear();
        }
      }
      if (!batch.isEmpty()) {
        run.reduce(byBatch(batch), again, done);
        done += batch.size();
      }
      int size = request.config().batch().images();
      for (int from = 0; from < suspects.size(); from += size) {
        List<Tried> some = suspects.subList(from, Math.min(suspects.size(), from + size));
        run.reduce(byBatch(some), again, done + from);
      }
      if (!again && most == count) {
        inWork.forgetAll();
      }
    } finally {
      progress.end();
    }
    if (most < count) {
      progress.stage(
          "ended at --limit %,d: %,d frames are left; the same command goes on with them"
              .formatted(most, count - most));
    }
  }

  /**
   * The images by the batch that has, or is to have, their rows: a new one for all that have none.
   */
  private static SortedMap<String, List<WorkItem>> byBatch(List<Tried> images) {
    String fresh = Ledger.batchName(images.get(0).item().frame().exposureId());
    SortedMap<String, List<WorkItem>> batches = new TreeMap<>();
    for (Tried image : images) {
      batches
          .computeIfAbsent(image.batch() == null ? fresh : image.batch(), name -> new ArrayList<>())
          .add(image.item());
    }
    return batches;
  }

  private static boolean isInMaster(PlannedFrame frame, CampaignMasters masters) {
    return frame.reason() == null && frame.type() != ImageType.SCIENCE && masters.uses(frame);
  }

  private StarsExpected ofAnEarlierCampaign() {
    StarsExpected expected = new StarsExpected();
    String earlier = request.config().batch().starsOf();
    if (earlier != null) {
      try {
        expected.learn(spark, Campaign.open(earlier, spark.sparkContext().hadoopConfiguration()));
      } catch (Refused noCampaign) {
        throw new Refused("batch.stars-of: " + noCampaign.getMessage(), noCampaign);
      }
    }
    return expected;
  }

  private static WorkItem workItem(PlannedFrame frame, CampaignMasters masters) {
    if (frame.reason() != null) {
      return WorkItem.notMeasured(frame, frame.reason());
    }
    return frame.isScience()
        ? masters.workItem(frame)
        : WorkItem.notMeasured(frame, masters.whyNotUsed(frame));
  }
}

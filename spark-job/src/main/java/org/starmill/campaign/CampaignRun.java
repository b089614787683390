package org.starmill.campaign;

import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FSError;
import org.apache.spark.SparkException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.starmill.device.DeviceException;
import org.starmill.device.Devices;
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

  private static final String EXPOSURE_ID = "exposure_id";

  private static final Pattern FAILURE_OF_A_FILE =
      Pattern.compile(
          "(?:IOException|FileSystemException|FSError|Unwritable|CampaignStopped): ([^\\n]+)");

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
    progress.stage("listing the input");
    try (Inputs inputs = Inputs.list(spark, request.inputs(), campaign.folder())) {
      new Plan(spark, campaign)
          .extend(
              inputs.files(),
              request.instrument(),
              request.output(),
              files -> progress.stage("reading the headers of %,d new files".formatted(files)));
    }
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
      CampaignMasters prepared;
      try (Trace.Open building = Trace.step("masters")) {
        prepared =
            CampaignMasters.prepare(
                spark, campaign, plan, request, trace.tasks(), progress::warning);
      }
      try (CampaignMasters masters = prepared) {
        trace.write();
        if (retried == null) {
          reduceWhatIsLeft(campaign, plan, ledger, masters, expected);
        } else {
          reduceAgain(campaign, plan, ledger, masters, expected, retried);
        }
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
        if (cause != failure) {
          // What went wrong after it is told with it.
          for (Throwable later : failure.getSuppressed()) {
            cause.addSuppressed(later);
          }
        }
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
    Dataset<Row> done =
        campaign.hasRows(campaign.exposures()) ? ledger.exposures(spark).select(EXPOSURE_ID) : null;
    LeftToDo left = new LeftToDo(plan.frames(), done, masters);
    Extent extent = new Extent(left.count(), left.before(), left.work());
    reduce(campaign, ledger, masters, expected, left.iterator(), false, extent);
  }

  private void reduceAgain(
      Campaign campaign,
      Plan plan,
      Ledger ledger,
      CampaignMasters masters,
      StarsExpected expected,
      Dataset<Row> retried)
      throws IOException {
    Column[] planned =
        Stream.concat(Stream.of(PlannedFrame.SCHEMA.fieldNames()), Stream.of(BATCH))
            .map(functions::col)
            .toArray(Column[]::new);
    removeRowsOfFramesInMasters(ledger, masters, retried);
    Dataset<Row> frames =
        plan.frames()
            .join(retried, new String[] {EXPOSURE_ID})
            .join(masters.used(), new String[] {EXPOSURE_ID}, "left_anti")
            .select(planned);
    // Those of one batch sit together, so that it is replaced once, or twice at its ends.
    frames = masters.matched(frames, functions.lit(true)).orderBy(BATCH, EXPOSURE_ID).persist();
    try {
      Row sums =
          frames.agg(functions.count(functions.lit(1)), functions.sum(ExpectedWork.OF)).head();
      Extent extent = new Extent(sums.getLong(0), 0, sums.isNullAt(1) ? 0 : sums.getDouble(1));
      reduce(campaign, ledger, masters, expected, frames.toLocalIterator(), true, extent);
    } finally {
      frames.unpersist(false);
    }
  }

  /** Frames that were mended and are in a master now have no row, as all that are in masters. */
  private void removeRowsOfFramesInMasters(
      Ledger ledger, CampaignMasters masters, Dataset<Row> retried) throws IOException {
    SortedMap<String, Set<Long>> byBatch = new TreeMap<>();
    long count = 0;
    for (Row row :
        retried
            .join(masters.used(), new String[] {EXPOSURE_ID}, "left_semi")
            .select(EXPOSURE_ID, BATCH)
            .collectAsList()) {
      byBatch.computeIfAbsent(row.getString(1), batch -> new HashSet<>()).add(row.getLong(0));
      count++;
    }
    for (Map.Entry<String, Set<Long>> batch : byBatch.entrySet()) {
      ledger.remove(batch.getKey(), batch.getValue());
    }
    if (count > 0) {
      progress.stage(
          "%,d frames that were mended are in masters now and need no row".formatted(count));
    }
  }

  /**
   * How much is to be done.
   *
   * @param count number of frames
   * @param before number of frames done earlier
   * @param work expected of the frames
   */
  private record Extent(long count, long before, double work) {}

  /** An image to be dealt with, and the batch that has its row; null where it has none. */
  private record Tried(String batch, WorkItem item) {}

  /**
   * Reduces frames, a Spark job for so many as make a batch.
   *
   * @param rows of frames that are to have a row, as {@link CampaignMasters#matched} gives them
   * @param again whether they have one already, in the batch that the column of that name tells
   */
  private void reduce(
      Campaign campaign,
      Ledger ledger,
      CampaignMasters masters,
      StarsExpected expected,
      Iterator<Row> rows,
      boolean again,
      Extent extent)
      throws IOException {
    long most = Math.min(extent.count(), scope.limit());
    expected.learn(spark, campaign);
    try (FramesInWork inWork = new FramesInWork(spark.sparkContext(), campaign);
        BatchRun run =
            new BatchRun(spark, campaign, ledger, request, progress, trace, expected, inWork)) {
      Map<Long, Integer> lost = inWork.timesLost();
      progress.begin(most, extent.before());
      // Of a part of them, as much a frame as of all.
      progress.expects(extent.work() * most / Math.max(1, extent.count()));
      List<Tried> suspects = new ArrayList<>();
      List<Tried> batch = new ArrayList<>();
      long done = 0;
      while (done + batch.size() + suspects.size() < most && rows.hasNext()) {
        Row row = rows.next();
        WorkItem item = masters.workItem(row);
        String holder = again ? row.getAs(BATCH) : null;
        Integer times = lost.get(item.frame().exposureId());
        if (times != null) {
          // Not before all others are safe.
          suspects.add(new Tried(holder, item.lost(times)));
          continue;
        }
        batch.add(new Tried(holder, item));
        if (batch.size() == request.config().batch().images()) {
          run.reduce(byBatch(batch, ledger), again, done);
          done += batch.size();
          batch.clear();
        }
      }
      if (!batch.isEmpty()) {
        run.reduce(byBatch(batch, ledger), again, done);
        done += batch.size();
      }
      int size = request.config().batch().images();
      for (int from = 0; from < suspects.size(); from += size) {
        List<Tried> some = suspects.subList(from, Math.min(suspects.size(), from + size));
        run.reduce(byBatch(some, ledger), again, done + from);
      }
      if (!again && most == extent.count()) {
        inWork.forgetAll();
      }
    } finally {
      progress.end();
    }
    if (most < extent.count()) {
      progress.stage(
          "ended at --limit %,d: %,d frames are left; the same command goes on with them"
              .formatted(most, extent.count() - most));
    }
  }

  /**
   * The images by the batch that has, or is to have, their rows: a new one for all that have none.
   */
  private static SortedMap<String, List<WorkItem>> byBatch(List<Tried> images, Ledger ledger)
      throws IOException {
    String fresh = ledger.freeName(images.get(0).item().frame().exposureId());
    SortedMap<String, List<WorkItem>> batches = new TreeMap<>();
    for (Tried image : images) {
      batches
          .computeIfAbsent(image.batch() == null ? fresh : image.batch(), name -> new ArrayList<>())
          .add(image.item());
    }
    return batches;
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
}

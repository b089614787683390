package org.starmill.campaign;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
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
    StarsExpected expected = ofAnEarlierCampaign();
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
      reduce(campaign, plan, ledger, masters, expected);
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

  private void reduce(
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
    expected.learn(spark, campaign);
    try (FramesInWork inWork = new FramesInWork(spark.sparkContext(), campaign);
        BatchRun batches =
            new BatchRun(spark, campaign, ledger, request, progress, trace, expected, inWork)) {
      Map<Long, Integer> lost = inWork.timesLost();
      List<WorkItem> suspects = new ArrayList<>();
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
        WorkItem item = workItem(frame, masters);
        if (lost.containsKey(frame.exposureId())) {
          // Not before all others are safe.
          suspects.add(item.lost(lost.get(frame.exposureId())));
          continue;
        }
        batch.add(item);
        if (batch.size() == request.config().batch().images()) {
          batches.reduce(batch, done);
          done += batch.size();
          batch.clear();
        }
      }
      if (!batch.isEmpty()) {
        batches.reduce(batch, done);
        done += batch.size();
      }
      int most = request.config().batch().images();
      for (int from = 0; from < suspects.size(); from += most) {
        batches.reduce(suspects.subList(from, Math.min(suspects.size(), from + most)), done + from);
      }
      inWork.forgetAll();
    } finally {
      progress.end();
      left.unpersist(false);
    }
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

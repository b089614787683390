package org.starmill.campaign;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
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
    progress.stage("listing the input");
    try (Inputs inputs = Inputs.list(spark, request.inputs(), campaign.folder())) {
      new Plan(spark, campaign)
          .extend(
              inputs.files(),
              request.instrument(),
              request.output(),
              files -> progress.stage("reading the headers of %,d new files".formatted(files)));
    }
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
      CampaignMasters prepared;
      try (Trace.Open building = Trace.step("masters")) {
        prepared = CampaignMasters.prepare(spark, campaign, plan, request, trace.tasks());
      }
      try (CampaignMasters masters = prepared) {
        trace.write();
        reduce(campaign, plan, ledger, masters, expected);
      }
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
    Dataset<Row> rows =
        campaign.hasRows(campaign.exposures())
            ? ledger.exposures(spark).select("exposure_id")
            : null;
    LeftToDo left = new LeftToDo(plan.frames(), rows, masters);
    expected.learn(spark, campaign);
    try (FramesInWork inWork = new FramesInWork(spark.sparkContext(), campaign);
        BatchRun batches =
            new BatchRun(spark, campaign, ledger, request, progress, trace, expected, inWork)) {
      Map<Long, Integer> lost = inWork.timesLost();
      List<WorkItem> suspects = new ArrayList<>();
      progress.begin(left.count(), left.before());
      progress.expects(left.work());
      List<WorkItem> batch = new ArrayList<>();
      long done = 0;
      for (WorkItem item : left) {
        Integer times = lost.get(item.frame().exposureId());
        if (times != null) {
          // Not before all others are safe.
          suspects.add(item.lost(times));
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
}

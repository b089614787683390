package org.starmill.campaign;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.starmill.config.CampaignConfig;
import org.starmill.masters.Amplifier;

/**
 * What a plan holds, counted.
 *
 * @param frames number of all frames
 * @param groups frames that are alike, the first {@link #GROUPS_LISTED} of them
 * @param groupCount how many groups there are
 * @param unusableFrames number of those that cannot be used
 * @param unusable the first of those, with the reason
 * @param withoutBias number of science frames that no bias frames are there for: they will fail
 * @param withoutFlat number of others that no flat frames are there for
 * @param uncalibrated science frames without bias or flat frames, most frames first
 * @param estimate what a run is expected to cost; null where that was not asked for
 */
public record PlanSummary(
    long frames,
    List<Group> groups,
    long groupCount,
    long unusableFrames,
    List<Unusable> unusable,
    long withoutBias,
    long withoutFlat,
    List<Uncalibrated> uncalibrated,
    @JsonInclude(JsonInclude.Include.NON_NULL) CostEstimate estimate) {
  /** Most groups that are listed. */
  public static final int GROUPS_LISTED = 2000;

  private static final int UNUSABLE_LISTED = 100;
  private static final int UNCALIBRATED_LISTED = 100;

  /** Frames of one night, detector, filter, type and size. */
  public record Group(
      String night,
      String ccd,
      String quadrant,
      String filter,
      String imageType,
      int width,
      int height,
      long frames) {}

  /** A frame that cannot be used. */
  public record Unusable(String path, int hdu, String reason) {}

  /**
   * Science frames of one night, detector and filter that lack calibration frames.
   *
   * @param status that their rows will have: failed or partial
   * @param reason that their rows will give
   */
  public record Uncalibrated(
      String night,
      String ccd,
      String quadrant,
      String filter,
      long frames,
      String status,
      String reason) {}

  /** Counts the frames of a campaign's plan. */
  public static PlanSummary of(SparkSession spark, Campaign campaign, CampaignRequest request) {
    Plan plan = new Plan(spark, campaign);
    CampaignConfig.MasterSettings settings = request.config().masters();
    try (CalibrationMatch match =
        new CalibrationMatch(spark, plan, settings, CampaignMasters.settingsHash(request))) {
      Dataset<Row> groups = groups(plan).persist();
      try {
        Dataset<Row> lacking = match.needs().filter("bias_id is null or flat_id is null");
        Row lacks =
            lacking
                .agg(
                    coalesce(sum(when(col("bias_id").isNull(), col("science_frames"))), lit(0L)),
                    coalesce(sum(when(col("bias_id").isNotNull(), col("science_frames"))), lit(0L)))
                .head();
        long usable = groups.agg(coalesce(sum("frames"), lit(0L))).head().getLong(0);
        long frames = plan.frames().count();
        return new PlanSummary(
            frames,
            first(groups),
            groups.count(),
            frames - usable,
            unusable(plan),
            lacks.getLong(0),
            lacks.getLong(1),
            uncalibrated(lacking, settings),
            null);
      } finally {
        groups.unpersist(false);
      }
    }
  }

  private static Dataset<Row> groups(Plan plan) {
    return plan.frames()
        .filter("reason is null")
        .groupBy("night", "ccd", "quadrant", "filter", "image_type", "width", "height")
        .count()
        .withColumnRenamed("count", "frames");
  }

  private static List<Group> first(Dataset<Row> groups) {
    List<Group> first = new ArrayList<>();
    for (Row row :
        groups
            .orderBy("night", "ccd", "quadrant", "image_type", "filter", "width", "height")
            .limit(GROUPS_LISTED)
            .collectAsList()) {
      first.add(
          new Group(
              row.getString(0),
              row.getString(1),
              row.getString(2),
              row.getString(3),
              row.getString(4),
              row.getInt(5),
              row.getInt(6),
              row.getLong(7)));
    }
    return first;
  }

  private static List<Unusable> unusable(Plan plan) {
    List<Unusable> unusable = new ArrayList<>();
    for (Row row :
        plan.frames()
            .filter("reason is not null")
            .orderBy("exposure_id")
            .limit(UNUSABLE_LISTED)
            .select("path", "hdu", "reason")
            .collectAsList()) {
      unusable.add(new Unusable(row.getString(0), row.getInt(1), row.getString(2)));
    }
    return unusable;
  }

  private static List<Uncalibrated> uncalibrated(
      Dataset<Row> lacking, CampaignConfig.MasterSettings settings) {
    List<Uncalibrated> uncalibrated = new ArrayList<>();
    for (Row row :
        lacking
            .orderBy(
                col("science_frames").desc(),
                col("night"),
                col("ccd"),
                col("quadrant"),
                col("filter"),
                col("width"),
                col("height"),
                col("overscan"))
            .limit(UNCALIBRATED_LISTED)
            .collectAsList()) {
      uncalibrated.add(uncalibrated(row, settings));
    }
    return uncalibrated;
  }

  private static Uncalibrated uncalibrated(Row need, CampaignConfig.MasterSettings settings) {
    boolean bias = need.getAs("bias_id") == null;
    String kind = bias ? "bias" : "flat";
    String night = need.getAs("night");
    String filter = need.getAs("filter");
    Amplifier amplifier =
        new Amplifier(
            need.getAs("ccd"),
            need.getAs("quadrant"),
            need.getAs("width"),
            need.getAs("height"),
            need.getAs("overscan"));
    String reason =
        need.<Boolean>getAs(kind + "_unlike")
            ? "%s: the %s frames of this ccd and quadrant have %s overscan section, these frames have %s; set sections.overscan.value in the instrument file"
                .formatted(
                    bias ? (amplifier.overscan() ? "overscan differs" : "no overscan") : "no flat",
                    kind,
                    amplifier.overscan() ? "no" : "an",
                    amplifier.overscan() ? "one" : "none")
            : bias
                ? CampaignMasters.noBias(amplifier.label(), night, settings)
                : CampaignMasters.noFlat(filter, amplifier.label(), night, settings);
    return new Uncalibrated(
        night,
        amplifier.ccd(),
        amplifier.quadrant(),
        filter,
        need.getAs("science_frames"),
        bias || settings.flatRequired() ? "failed" : "partial",
        reason);
  }

  /** The same with an estimate. */
  public PlanSummary with(CostEstimate cost) {
    return new PlanSummary(
        frames,
        groups,
        groupCount,
        unusableFrames,
        unusable,
        withoutBias,
        withoutFlat,
        uncalibrated,
        cost);
  }

  /** Whether a run would measure all science frames with all they need. */
  public boolean isCalibrated() {
    return withoutBias == 0 && withoutFlat == 0;
  }
}

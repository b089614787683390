package org.starmill.campaign;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.starmill.config.CampaignConfig;

/**
 * What is still to be done in a campaign, and what that is expected to cost.
 *
 * <p>Counted are the science frames without a row for which there are bias frames, and flat frames
 * where they are required. Stars on them are expected as many as on the images of the campaign that
 * have been measured, of the same filter and detector first; where there are none, as the settings
 * say. Core-seconds are proportional to pixels and stars, with the settings' factors. Building the
 * masters is not in it.
 *
 * @param images number of images to be measured
 * @param bytes length of their files
 * @param megapixels of the images together
 * @param stars expected on them
 * @param measuredImages number of measured images that these are expected from; 0 where the
 *     settings tell
 * @param costs on each device whose cost is known
 * @param outputBytes expected of the catalog
 */
public record CostEstimate(
    long images,
    long bytes,
    double megapixels,
    double stars,
    long measuredImages,
    List<Cost> costs,
    double outputBytes) {

  /** Hours that one core, or one GPU, would take. */
  public record Cost(String device, double coreHours) {}

  /** Estimates; reads the plan and the ledger. */
  public static CostEstimate of(SparkSession spark, Campaign campaign, CampaignRequest request) {
    CampaignConfig config = request.config();
    Plan plan = new Plan(spark, campaign);
    Dataset<Row> left = plan.frames().filter("image_type = 'science' and reason is null");
    String[] kind = {"ccd", "quadrant", "filter"};
    Dataset<Row> measured = null;
    long measuredImages = 0;
    double overall = Double.NaN;
    if (campaign.hasRows(campaign.exposures())) {
      Dataset<Row> exposures = new Ledger(campaign, "none").exposures(spark);
      left = left.join(exposures.select("exposure_id"), id(), "left_anti");
      measured = exposures.filter("n_stars >= 0 and status in ('ok', 'partial')");
      Row all = measured.agg(count(lit(1)), avg("n_stars")).head();
      measuredImages = all.getLong(0);
      overall = measuredImages == 0 ? Double.NaN : all.getDouble(1);
    }
    try (CalibrationMatch match =
        new CalibrationMatch(
            spark, plan, config.masters(), CampaignMasters.settingsHash(request))) {
      left =
          left.withColumn("overscan", col("without_overscan").isNull())
              .join(
                  match
                      .needs()
                      .filter(
                          config.masters().flatRequired()
                              ? "bias_id is not null and flat_id is not null"
                              : "bias_id is not null"),
                  CalibrationMatch.NEED.toArray(String[]::new),
                  "left_semi");
      Dataset<Row> groups =
          left.groupBy("ccd", "quadrant", "filter", "width", "height")
              .agg(count(lit(1)).as("images"));
      Dataset<Row> withStars =
          measuredImages > 0
              ? groups.join(
                  measured
                      .groupBy("ccd", "quadrant", "filter")
                      .agg(avg("n_stars").as("stars_of_kind")),
                  kind,
                  "left")
              : groups.withColumn("stars_of_kind", lit(null).cast("double"));
      var pixels = col("width").cast("double").multiply(col("height"));
      Row sums =
          withStars
              .agg(
                  coalesce(sum("images"), lit(0L)),
                  coalesce(sum(pixels.multiply(col("images"))), lit(0.0)),
                  coalesce(
                      sum(
                          col("images")
                              .multiply(
                                  coalesce(
                                      col("stars_of_kind"),
                                      measuredImages > 0
                                          ? lit(overall)
                                          : pixels.multiply(
                                              1e-6 * config.cost().starsMegapixel())))),
                      lit(0.0)))
              .head();
      long bytes =
          left.select("path", "file_length")
              .distinct()
              .agg(coalesce(sum("file_length"), lit(0L)))
              .head()
              .getLong(0);
      double stars = sums.getDouble(2);
      return new CostEstimate(
          sums.getLong(0),
          bytes,
          1e-6 * sums.getDouble(1),
          stars,
          measuredImages,
          costs(config.cost(), sums.getDouble(1), stars),
          stars * config.cost().bytesStar());
    }
  }

  private static String[] id() {
    return new String[] {"exposure_id"};
  }

  private static List<Cost> costs(CampaignConfig.CostSettings cost, double pixels, double stars) {
    List<Cost> costs = new ArrayList<>();
    add(costs, "java", cost.java(), pixels, stars);
    add(costs, "opencl-cpu", cost.openclCpu(), pixels, stars);
    add(costs, "gpu", cost.gpu(), pixels, stars);
    return costs;
  }

  private static void add(
      List<Cost> costs,
      String device,
      CampaignConfig.DeviceCost cost,
      double pixels,
      double stars) {
    if (cost.isKnown()) {
      costs.add(new Cost(device, cost.seconds(pixels, stars) / 3600));
    }
  }
}

package org.starmill.campaign;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.percentile_approx;
import static org.apache.spark.sql.functions.substring_index;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.starmill.catalog.Reasons;

/**
 * How far a campaign is: counted in its tables.
 *
 * @param campaign whose
 * @param former what earlier images of it were reduced with, the latest last
 * @param unfinishedBatches number of batches that are decided upon and not wholly in their places:
 *     those of a run that was stopped just then; the next run puts them there
 * @param planned number of frames of the plan
 * @param inMasters number of those that went into masters
 * @param left number of frames that have no row yet
 * @param groups images by night, filter and status
 * @param reasons frames that are not ok, by the code of their reason
 * @param failures the first of the frames that are not ok, with their reasons: failed ones first,
 *     those that were not used last
 * @param medianSeconds of an image, by step
 * @param masters what its images are calibrated with
 */
public record CampaignStatus(
    Campaign.Identity campaign,
    List<Campaign.Former> former,
    int unfinishedBatches,
    long planned,
    long inMasters,
    long left,
    List<Group> groups,
    List<Reason> reasons,
    List<Failure> failures,
    Map<String, Double> medianSeconds,
    MastersStatus masters) {

  private static final List<String> STEPS =
      List.of("read", "masters", "calibrate", "sky", "detect", "psf", "measure", "write");

  /** One over the error of a median's rank. */
  private static final int MEDIAN_ACCURACY = 10_000;

  private static final Column CODE = substring_index(col("reason"), ": ", 1);

  /** Frames of one night, filter and status: ok, partial, failed or not used. */
  public record Group(String night, String filter, String status, long images, long stars) {}

  /** Frames with one status and one code of a reason. */
  public record Reason(String status, String code, long images) {}

  /** A frame that is not ok. */
  public record Failure(long exposureId, String path, int hdu, String status, String reason) {}

  /** Counts. At most so many failures, and odd masters, are listed as asked for. */
  public static CampaignStatus of(SparkSession spark, Campaign campaign, int failures) {
    return of(spark, campaign, failures, false);
  }

  /**
   * Counts. At most so many failures, and odd masters, are listed as asked for.
   *
   * @param listMasters whether the masters are listed, odd or not
   */
  public static CampaignStatus of(
      SparkSession spark, Campaign campaign, int failures, boolean listMasters) {
    MastersStatus masters = MastersStatus.of(spark, campaign, failures, listMasters);
    long planned = 0;
    int unfinished = unfinished(campaign);
    if (campaign.hasRows(campaign.plan())) {
      planned = new Plan(spark, campaign).frames().count();
    }
    if (!campaign.hasRows(campaign.exposures())) {
      return new CampaignStatus(
          campaign.identity(),
          campaign.former(),
          unfinished,
          planned,
          0,
          planned,
          List.of(),
          List.of(),
          List.of(),
          Map.of(),
          masters);
    }
    Dataset<Row> exposures =
        new Ledger(campaign, "none")
            .exposures(spark)
            .withColumn(
                "status",
                when(CODE.equalTo(Reasons.NOT_USED), lit(Reasons.NOT_USED))
                    .otherwise(col("status")));
    List<Group> groups = groups(exposures);
    long rows = groups.stream().mapToLong(Group::images).sum();
    long inMasters = inMasters(spark, campaign, exposures);
    return new CampaignStatus(
        campaign.identity(),
        campaign.former(),
        unfinished,
        planned,
        inMasters,
        planned - rows - inMasters,
        groups,
        reasons(exposures),
        failures(exposures, failures),
        medianSeconds(exposures),
        masters);
  }

  private static int unfinished(Campaign campaign) {
    try {
      return campaign.unfinishedBatches().size();
    } catch (IOException e) {
      throw new UncheckedIOException("%s cannot be listed".formatted(campaign.decisions()), e);
    }
  }

  /** Frames used in masters that have no row: a frame may have got one before a master took it. */
  private static long inMasters(SparkSession spark, Campaign campaign, Dataset<Row> exposures) {
    Path table = new Path(campaign.masters(), "masters.parquet");
    try {
      if (!campaign.fileSystem().exists(table)) {
        return 0;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("%s cannot be looked up".formatted(table), e);
    }
    Dataset<Row> used =
        spark
            .read()
            .parquet(table.toString())
            .select(explode(col("frames")).as("exposure_id"))
            .distinct();
    return used.join(
            exposures.select("exposure_id"),
            used.col("exposure_id").equalTo(exposures.col("exposure_id")),
            "left_anti")
        .count();
  }

  private static List<Group> groups(Dataset<Row> exposures) {
    List<Group> groups = new ArrayList<>();
    for (Row row :
        exposures
            .groupBy("night", "filter", "status")
            .agg(count(lit(1)), sum("n_stars"))
            .orderBy("night", "filter", "status")
            .collectAsList()) {
      groups.add(
          new Group(
              row.getString(0),
              row.getString(1),
              row.getString(2),
              row.getLong(3),
              row.isNullAt(4) ? 0 : row.getLong(4)));
    }
    return groups;
  }

  private static List<Reason> reasons(Dataset<Row> exposures) {
    List<Reason> reasons = new ArrayList<>();
    for (Row row :
        exposures
            .filter("reason is not null")
            .groupBy(col("status"), CODE.as("code"))
            .count()
            .orderBy(col("count").desc(), col("code"))
            .collectAsList()) {
      reasons.add(new Reason(row.getString(0), row.getString(1), row.getLong(2)));
    }
    return reasons;
  }

  private static List<Failure> failures(Dataset<Row> exposures, int most) {
    List<Failure> failures = new ArrayList<>();
    for (Row row :
        exposures
            .filter("reason is not null")
            .select("exposure_id", "path", "hdu", "status", "reason")
            .orderBy(col("status").equalTo(Reasons.NOT_USED), col("status"), col("exposure_id"))
            .limit(most)
            .collectAsList()) {
      failures.add(
          new Failure(
              row.getLong(0), row.getString(1), row.getInt(2), row.getString(3), row.getString(4)));
    }
    return failures;
  }

  private static Map<String, Double> medianSeconds(Dataset<Row> exposures) {
    // Exact ones would need all values at once.
    Column[] medians =
        STEPS.stream()
            .map(step -> percentile_approx(col("seconds_" + step), lit(0.5), lit(MEDIAN_ACCURACY)))
            .toArray(Column[]::new);
    Row row = exposures.agg(lit(0), medians).head();
    Map<String, Double> seconds = new LinkedHashMap<>();
    for (int i = 0; i < STEPS.size(); i++) {
      if (!row.isNullAt(i + 1)) {
        seconds.put(STEPS.get(i), row.getDouble(i + 1));
      }
    }
    return seconds;
  }

  /** Number of frames with a status: ok, partial, failed or not used. */
  public long images(String status) {
    return groups.stream()
        .filter(group -> group.status().equals(status))
        .mapToLong(Group::images)
        .sum();
  }

  /** Number of images that failed; frames that no image needed are none. */
  public long failedImages() {
    return images("failed");
  }

  /** Number of stars of all images. */
  public long stars() {
    return groups.stream().mapToLong(Group::stars).sum();
  }
}

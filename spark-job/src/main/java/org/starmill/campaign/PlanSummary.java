package org.starmill.campaign;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * What a plan holds, counted.
 *
 * @param frames number of all frames
 * @param groups frames that are alike
 * @param unusable the first of those that cannot be used, with the reason
 */
public record PlanSummary(long frames, List<Group> groups, List<Unusable> unusable) {
  private static final int UNUSABLE_LISTED = 100;

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

  /** Counts the frames of a campaign's plan. */
  public static PlanSummary of(SparkSession spark, Campaign campaign) {
    Dataset<Row> frames = new Plan(spark, campaign).frames().persist();
    try {
      List<Group> groups = new ArrayList<>();
      for (Row row :
          frames
              .filter("reason is null")
              .groupBy("night", "ccd", "quadrant", "filter", "image_type", "width", "height")
              .count()
              .orderBy("night", "ccd", "quadrant", "image_type", "filter", "width", "height")
              .collectAsList()) {
        groups.add(
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
      List<Unusable> unusable = new ArrayList<>();
      for (Row row :
          frames
              .filter("reason is not null")
              .orderBy("exposure_id")
              .limit(UNUSABLE_LISTED)
              .select("path", "hdu", "reason")
              .collectAsList()) {
        unusable.add(new Unusable(row.getString(0), row.getInt(1), row.getString(2)));
      }
      return new PlanSummary(frames.count(), groups, unusable);
    } finally {
      frames.unpersist(false);
    }
  }
}

package org.starmill.campaign;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.when;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.starmill.masters.BuiltMaster;

/**
 * The masters of a campaign, counted in their table.
 *
 * @param biases number of master biases that are built, former ones of the same night among them
 * @param flats number of master flats, likewise
 * @param notBuilt number of masters that could not be built
 * @param warnings number of masters that have changed beyond the limits
 * @param odd the first of those that have, and of those that could not be built
 * @param list all of them, the first {@link #LISTED}; null where they were not asked for
 */
public record MastersStatus(
    long biases,
    long flats,
    long notBuilt,
    long warnings,
    List<Odd> odd,
    @JsonInclude(JsonInclude.Include.NON_NULL) List<Line> list) {
  /** Most masters that are listed. */
  public static final int LISTED = 2000;

  private static final Column[] ORDER = {
    col("kind"), col("ccd"), col("quadrant"), col("filter"), col("night"), col("built")
  };

  /**
   * A master to be looked at.
   *
   * @param warning how it has changed beyond the limits; null where it has not
   * @param reason why it could not be built; null where it was
   */
  public record Odd(
      String kind,
      String night,
      String ccd,
      String quadrant,
      String filter,
      String warning,
      String reason) {}

  /**
   * A master.
   *
   * @param frames number of frames used
   * @param rejected number of frames left out
   * @param clipped number of values clipped; null where not known
   * @param level median, ADU or relative
   * @param noise of the master, ADU or relative
   * @param changeLevel against the night before; null where there is none
   * @param changeScatter of its pixels, over what is expected
   * @param changedShare of its pixels, 0 to 1
   * @param warning whether that is beyond the limits
   */
  public record Line(
      String kind,
      String night,
      String ccd,
      String quadrant,
      String filter,
      long frames,
      long rejected,
      Long clipped,
      Double level,
      Double noise,
      Double changeLevel,
      Double changeScatter,
      Double changedShare,
      boolean warning) {}

  /** Counts; at most so many odd ones are listed as asked for. */
  static MastersStatus of(SparkSession spark, Campaign campaign, int most, boolean listed) {
    Path file = new Path(campaign.masters(), "masters.parquet");
    try {
      if (!campaign.fileSystem().exists(file)) {
        return new MastersStatus(0, 0, 0, 0, List.of(), listed ? List.of() : null);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("%s cannot be looked up".formatted(file), e);
    }
    // By these columns, for the table may be of a version that had fewer.
    Dataset<Row> masters = spark.read().schema(BuiltMaster.SCHEMA).parquet(file.toString());
    Row counts =
        masters
            .agg(
                count(when(col("kind").equalTo("bias").and(col("reason").isNull()), lit(1))),
                count(when(col("kind").equalTo("flat").and(col("reason").isNull()), lit(1))),
                count(col("reason")),
                count(col("warning")))
            .head();
    return new MastersStatus(
        counts.getLong(0),
        counts.getLong(1),
        counts.getLong(2),
        counts.getLong(3),
        odd(masters, most),
        listed ? list(masters) : null);
  }

  private static List<Odd> odd(Dataset<Row> masters, int most) {
    List<Odd> odd = new ArrayList<>();
    for (Row row :
        masters
            .filter("warning is not null or reason is not null")
            .orderBy(ORDER)
            .limit(most)
            .select("kind", "night", "ccd", "quadrant", "filter", "warning", "reason")
            .collectAsList()) {
      odd.add(
          new Odd(
              row.getString(0),
              row.getString(1),
              row.getString(2),
              row.getString(3),
              row.getString(4),
              row.getString(5),
              row.getString(6)));
    }
    return odd;
  }

  private static List<Line> list(Dataset<Row> masters) {
    List<Line> lines = new ArrayList<>();
    for (Row row :
        masters
            .selectExpr("*", "size(frames) as used_frames", "size(rejected) as rejected_frames")
            .orderBy(ORDER)
            .limit(LISTED)
            .collectAsList()) {
      lines.add(
          new Line(
              row.getAs("kind"),
              row.getAs("night"),
              row.getAs("ccd"),
              row.getAs("quadrant"),
              row.getAs("filter"),
              row.<Integer>getAs("used_frames"),
              row.<Integer>getAs("rejected_frames"),
              row.getAs("n_clipped"),
              row.getAs("level"),
              row.getAs("noise"),
              row.getAs("change_level"),
              row.getAs("change_scatter"),
              row.getAs("changed_share"),
              row.getAs("warning") != null));
    }
    return lines;
  }

  /** Number of all masters. */
  public long all() {
    return biases + flats + notBuilt;
  }
}

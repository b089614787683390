package org.starmill.publish;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.shiftright;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.starmill.healpix.Healpix;

/**
 * Counts rows in small pixels of the sky, from publication to publication.
 *
 * <p>Counting is Spark's work. The driver reads the sums one after the other, in the order of the
 * sky, while it cuts.
 */
final class PixelCounts {
  private static final String PIXEL = "pixel";
  private static final String ROWS = "rows";
  private static final String CHANGED = "changed";

  private static final StructType SCHEMA =
      new StructType()
          .add(PIXEL, DataTypes.LongType)
          .add(ROWS, DataTypes.LongType)
          .add(CHANGED, DataTypes.BooleanType);

  private final SparkSession spark;
  private final int order;

  /**
   * @param order of the small pixels
   */
  PixelCounts(SparkSession spark, int order) {
    this.spark = spark;
    this.order = order;
  }

  /** Rows by campaign and small pixel; those without a place are counted under null. */
  Dataset<Row> of(Dataset<Row> rows) {
    return rows.groupBy(
            col(PublishedTable.CAMPAIGN),
            shiftright(col(PublishedTable.INDEX), 2 * (Healpix.MAX_ORDER - order)).as(PIXEL))
        .agg(count(lit(1)).as(ROWS));
  }

  /**
   * Rows of a campaign.
   *
   * @param all number of them
   * @param withoutPlace those of them that have no position on the sky
   */
  record Total(long all, long withoutPlace) {}

  /** Sums counts by campaign. */
  static Map<String, Total> totals(Dataset<Row> counts) {
    Map<String, Total> totals = new HashMap<>();
    Column withoutPlace = when(col(PIXEL).isNull(), col(ROWS)).otherwise(lit(0));
    for (Row row :
        counts.groupBy(PublishedTable.CAMPAIGN).agg(sum(ROWS), sum(withoutPlace)).collectAsList()) {
      totals.put(row.getString(0), new Total(row.getLong(1), row.getLong(2)));
    }
    return totals;
  }

  /**
   * Adds counts to those of the publication before, and keeps the sums for the next.
   *
   * @param before folder of the publication before; null for none
   * @param added counts of rows that come
   * @param removed counts of rows that go
   * @param folder that the sums are written to
   */
  void write(Path before, Dataset<Row> added, Dataset<Row> removed, Path folder) {
    Dataset<Row> counts =
        before == null
            ? spark.createDataFrame(List.of(), SCHEMA)
            : spark
                .read()
                .schema(SCHEMA)
                .parquet(before.toString())
                .select(col(PIXEL), col(ROWS), lit(false).as(CHANGED));
    counts
        .union(changed(added, col(ROWS)))
        .union(changed(removed, col(ROWS).multiply(-1)))
        .groupBy(PIXEL)
        .agg(sum(ROWS).as(ROWS), max(CHANGED).as(CHANGED))
        .write()
        .mode("overwrite")
        .parquet(folder.toString());
  }

  private static Dataset<Row> changed(Dataset<Row> counts, Column rows) {
    return counts
        .filter(col(PIXEL).isNotNull())
        .select(col(PIXEL), rows.as(ROWS), lit(true).as(CHANGED));
  }

  /** Cuts the sky by the counts in a folder. */
  List<PixelSplit.Part> cut(Path folder, long maxRows) {
    PixelSplit split = new PixelSplit(order, maxRows);
    Iterator<Row> counts =
        spark.read().schema(SCHEMA).parquet(folder.toString()).orderBy(PIXEL).toLocalIterator();
    while (counts.hasNext()) {
      Row row = counts.next();
      split.add(row.getLong(0), row.getLong(1), row.getBoolean(2));
    }
    return split.parts();
  }
}

package org.starmill.campaign;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * Goes through the frames that still need a row, in the order of their numbers.
 *
 * <p>Numbers are cut into stretches of equal length. Spark counts what is left in each; then the
 * frames of one stretch after the other, found by joins of the plan with the ledger and the
 * masters, come to the driver, which so never holds more than one stretch, and a count for each.
 */
final class LeftToDo implements Iterable<Row> {
  /** Numbers of a stretch. */
  private static final long STRETCH = 1 << 15;

  private static final Column STRETCH_OF =
      col("exposure_id").divide(STRETCH).cast("long").as("stretch");

  private final Dataset<Row> planned;
  private final Dataset<Row> done;
  private final CampaignMasters masters;
  private final TreeMap<Long, Long> left;
  private final double work;
  private final long before;

  /**
   * Counts what is left.
   *
   * @param planned all frames of the plan
   * @param done the column {@code exposure_id} of frames that have a row; null for none
   * @param masters that the images are measured with
   */
  LeftToDo(Dataset<Row> planned, Dataset<Row> done, CampaignMasters masters) {
    this.planned = planned;
    this.done = done;
    this.masters = masters;
    this.left = new TreeMap<>();
    Map<Long, Double> workOfEach = new TreeMap<>();
    for (Row row :
        planned
            .groupBy(STRETCH_OF)
            .agg(functions.count(lit(1)), sum(ExpectedWork.OF))
            .collectAsList()) {
      left.put(row.getLong(0), row.getLong(1));
      workOfEach.put(row.getLong(0), row.getDouble(2) / row.getLong(1));
    }
    long rows = 0;
    Dataset<Row> inMasters = masters.used();
    if (done != null) {
      TreeMap<Long, Long> tried = count(done);
      rows = tried.values().stream().mapToLong(Long::longValue).sum();
      takeOff(tried);
      inMasters = without(inMasters, done);
    }
    this.before = rows;
    takeOff(count(inMasters));
    double sum = 0;
    for (Map.Entry<Long, Long> stretch : left.entrySet()) {
      sum += stretch.getValue() * workOfEach.get(stretch.getKey());
    }
    this.work = sum;
  }

  private static TreeMap<Long, Long> count(Dataset<Row> frames) {
    TreeMap<Long, Long> counts = new TreeMap<>();
    for (Row row : frames.groupBy(STRETCH_OF).count().collectAsList()) {
      counts.put(row.getLong(0), row.getLong(1));
    }
    return counts;
  }

  private void takeOff(Map<Long, Long> counts) {
    counts.forEach((stretch, count) -> left.merge(stretch, -count, Long::sum));
  }

  private static Dataset<Row> without(Dataset<Row> frames, Dataset<Row> others) {
    return frames.join(others, new String[] {"exposure_id"}, "left_anti");
  }

  /** How many frames are left. */
  long count() {
    return left.values().stream().mapToLong(Long::longValue).sum();
  }

  /** The work that is expected of them; of a stretch that is begun, the mean of all its frames. */
  double work() {
    return work;
  }

  /** How many frames had a row from the beginning. */
  long before() {
    return before;
  }

  /** The frames, as {@link CampaignMasters#matched} gives them. */
  @Override
  public Iterator<Row> iterator() {
    Iterator<Map.Entry<Long, Long>> stretches = left.entrySet().iterator();
    return new Iterator<>() {
      private Iterator<Row> rows = List.<Row>of().iterator();

      @Override
      public boolean hasNext() {
        while (!rows.hasNext() && stretches.hasNext()) {
          Map.Entry<Long, Long> stretch = stretches.next();
          if (stretch.getValue() > 0) {
            rows = frames(stretch.getKey()).iterator();
          }
        }
        return rows.hasNext();
      }

      @Override
      public Row next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        return rows.next();
      }
    };
  }

  private List<Row> frames(long stretch) {
    Column range =
        col("exposure_id")
            .geq(lit(stretch * STRETCH))
            .and(col("exposure_id").lt(lit((stretch + 1) * STRETCH)));
    Dataset<Row> frames = without(planned.filter(range), masters.used().filter(range));
    if (done != null) {
      frames = without(frames, done.filter(range));
    }
    return masters.matched(frames, range).orderBy("exposure_id").collectAsList();
  }
}

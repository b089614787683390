package org.starmill.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Compares the catalog of simulated frames with the truth behind them.
 *
 * <p>Counted are the true stars that a catalog should have: inside the frame, not saturated, with a
 * flux of five times its Cramer-Rao bound, and without a neighbour within 10 pixels. Each is found
 * if a catalogued star lies within a pixel of it.
 *
 * @param expected number of those true stars
 * @param found number of those in the catalog
 * @param medianPull median of (flux - true flux) / flux_err
 * @param pullWidth 1.4826 times the median absolute deviation of it
 */
record TruthComparison(int expected, int found, double medianPull, double pullWidth) {
  private static final double RADIUS = 1;

  private record Measured(double x, double y, double flux, double fluxErr) {}

  static TruthComparison of(SparkSession spark, Path frames, Path catalog) {
    Map<String, Map<Long, List<Measured>>> byFile = new HashMap<>();
    spark
        .read()
        .option("recursiveFileLookup", true)
        .parquet("file:" + catalog.resolve("sources").toAbsolutePath())
        .join(
            spark
                .read()
                .parquet("file:" + catalog.resolve("exposures").toAbsolutePath())
                .select("exposure_id", "path"),
            "exposure_id")
        .select("path", "x", "y", "flux", "flux_err")
        .toLocalIterator()
        .forEachRemaining(
            row -> {
              Measured star =
                  new Measured(row.getFloat(1), row.getFloat(2), row.getFloat(3), row.getFloat(4));
              String path = row.getString(0);
              byFile
                  .computeIfAbsent(path.substring(path.lastIndexOf('/') + 1), f -> new HashMap<>())
                  .computeIfAbsent(cell(star.x, star.y, 0, 0), c -> new ArrayList<>())
                  .add(star);
            });
    int expected = 0;
    List<Double> pulls = new ArrayList<>();
    for (Row truth :
        spark
            .read()
            .parquet("file:" + frames.resolve("truth").toAbsolutePath())
            .filter("inside and not saturated and flux > 5 * flux_bound")
            .filter("neighbour_distance > 10")
            .select("file", "x", "y", "flux")
            .collectAsList()) {
      expected++;
      Measured nearest =
          nearest(
              byFile.getOrDefault(truth.getString(0), Map.of()),
              truth.getDouble(1),
              truth.getDouble(2));
      if (nearest != null) {
        pulls.add((nearest.flux - truth.getDouble(3)) / nearest.fluxErr);
      }
    }
    double[] sorted = pulls.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    double median = middle(sorted);
    double[] deviations = Arrays.stream(sorted).map(p -> Math.abs(p - median)).sorted().toArray();
    return new TruthComparison(expected, pulls.size(), median, 1.4826 * middle(deviations));
  }

  private static double middle(double[] sorted) {
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }

  private static long cell(double x, double y, int right, int up) {
    return ((long) Math.floor(x / RADIUS) + right) << 32
        | ((long) Math.floor(y / RADIUS) + up & 0xffffffffL);
  }

  private static Measured nearest(Map<Long, List<Measured>> cells, double x, double y) {
    Measured nearest = null;
    double closest = RADIUS * RADIUS;
    for (int up = -1; up <= 1; up++) {
      for (int right = -1; right <= 1; right++) {
        for (Measured star : cells.getOrDefault(cell(x, y, right, up), List.of())) {
          double distance = (star.x - x) * (star.x - x) + (star.y - y) * (star.y - y);
          if (distance <= closest) {
            closest = distance;
            nearest = star;
          }
        }
      }
    }
    return nearest;
  }

  /** A line for a person. */
  String text() {
    return String.format(
        Locale.ROOT,
        "against the truth: %,d of %,d isolated stars above five sigma found (%.1f %%),"
            + " (flux - truth) / flux_err has median %.2f and width %.2f%n",
        found,
        expected,
        100.0 * found / Math.max(1, expected),
        medianPull,
        pullWidth);
  }
}

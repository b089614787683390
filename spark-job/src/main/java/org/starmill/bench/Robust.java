package org.starmill.bench;

import java.util.Arrays;

/** Middle and width of numbers of which some are far off. */
final class Robust {
  private Robust() {}

  /** NaN for none. */
  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return n == 0 ? Double.NaN : 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
  }

  /** 1.4826 times the median absolute deviation: the standard deviation of normal numbers. */
  static double width(double[] values) {
    double median = median(values);
    return 1.4826 * median(Arrays.stream(values).map(v -> Math.abs(v - median)).toArray());
  }
}

package org.starmill.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.starmill.campaign.CampaignProgress;
import org.starmill.catalog.ExposureRow;
import org.starmill.catalog.ExposureStatus;
import org.starmill.report.ClosingTable;
import org.starmill.report.ProgressLine;

/** Counts what a run does, shows it while it goes on, and sums it up in the end. */
final class Tally implements CampaignProgress {
  /** Enough for a median; the rest is not kept, so that a long run needs no more memory. */
  private static final int MOST_TIMES = 100_000;

  static final List<String> STEPS =
      List.of("read", "masters", "calibrate", "sky", "detect", "psf", "measure", "write");

  private final PrintStream errors;
  private final long start = System.nanoTime();
  private final Map<String, List<Double>> seconds = new LinkedHashMap<>();
  private final Map<String, Long> failures = new TreeMap<>();
  private ProgressLine line;
  private long images;
  private long failed;
  private long stars;

  Tally(PrintStream errors) {
    this.errors = errors;
    STEPS.forEach(step -> seconds.put(step, new ArrayList<>()));
  }

  @Override
  public void stage(String what) {
    errors.println("starmill: " + what);
    errors.flush();
  }

  @Override
  public void begin(long images, long before) {
    if (before > 0) {
      stage("%,d frames are done already".formatted(before));
    }
    line = new ProgressLine(images);
  }

  @Override
  public void image(ExposureRow row) {
    images++;
    stars += Math.max(0, row.stars());
    if (row.status() == ExposureStatus.FAILED) {
      failed++;
      failures.merge(code(row.reason()), 1L, Long::sum);
    }
    row.seconds()
        .forEach(
            (step, value) -> {
              List<Double> times = seconds.get(step);
              if (times != null && times.size() < MOST_TIMES) {
                times.add(value);
              }
            });
    line.update(images, failed);
  }

  private static String code(String reason) {
    int colon = reason.indexOf(": ");
    return colon < 0 ? reason : reason.substring(0, colon);
  }

  @Override
  public void end() {
    line.close();
  }

  long images() {
    return images;
  }

  /** The closing table of this run. */
  ClosingTable table(String output) {
    Map<String, Double> medians = new LinkedHashMap<>();
    seconds.forEach(
        (step, times) -> {
          if (!times.isEmpty()) {
            medians.put(step, median(times));
          }
        });
    return new ClosingTable(
        images, stars, (System.nanoTime() - start) * 1e-9, failures, medians, output);
  }

  static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    int n = sorted.size();
    return 0.5 * (sorted.get((n - 1) / 2) + sorted.get(n / 2));
  }
}

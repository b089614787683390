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
import org.starmill.catalog.Reasons;
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
  private final Map<String, Long> partial = new TreeMap<>();
  private ProgressLine line;
  private Map<Long, Double> work = Map.of();
  private long frames;
  private long failed;
  private long notUsed;
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
  public void expects(double work) {
    line.expects(work);
  }

  @Override
  public synchronized void batch(Map<Long, Double> work) {
    this.work = Map.copyOf(work);
    line.begins(work.size(), work.values().stream().mapToDouble(Double::doubleValue).sum());
  }

  @Override
  public synchronized void image(ExposureRow row) {
    line.measured(
        work.getOrDefault(row.exposureId(), 0.0),
        row.seconds().values().stream().mapToDouble(Double::doubleValue).sum());
    frames++;
    stars += Math.max(0, row.stars());
    if (row.outcome().reason() != null) {
      count(row.outcome());
    }
    row.seconds()
        .forEach(
            (step, value) -> {
              List<Double> times = seconds.get(step);
              if (times != null && times.size() < MOST_TIMES) {
                times.add(value);
              }
            });
    line.update(frames, failed);
  }

  private void count(ExposureRow.Outcome outcome) {
    String code = Reasons.code(outcome.reason());
    if (code.equals(Reasons.NOT_USED)) {
      notUsed++;
    } else if (outcome.status() == ExposureStatus.FAILED) {
      failed++;
      failures.merge(code, 1L, Long::sum);
    } else {
      partial.merge(code, 1L, Long::sum);
    }
  }

  @Override
  public synchronized void done(long images) {
    line.update(images, failed);
  }

  @Override
  public void end() {
    if (line != null) {
      line.close();
    }
  }

  /** Images that were tried; frames that no image needed are none. */
  synchronized long images() {
    return frames - notUsed;
  }

  /** The closing table of this run. */
  synchronized ClosingTable table(String output) {
    Map<String, Double> medians = new LinkedHashMap<>();
    seconds.forEach(
        (step, times) -> {
          if (!times.isEmpty()) {
            medians.put(step, median(times));
          }
        });
    return new ClosingTable(
        images(),
        stars,
        (System.nanoTime() - start) * 1e-9,
        partial,
        failures,
        notUsed,
        medians,
        output);
  }

  static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    int n = sorted.size();
    return 0.5 * (sorted.get((n - 1) / 2) + sorted.get(n / 2));
  }
}

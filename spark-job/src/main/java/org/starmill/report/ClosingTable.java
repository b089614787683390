package org.starmill.report;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a run gave, as a table for a person.
 *
 * <p>Names stand in a column on the left, numbers right-aligned beside them; failures come by their
 * reason, the most frequent first, and steps in the order of the way.
 *
 * @param images images that were tried, failures included
 * @param stars rows of the catalog
 * @param wallSeconds from start to end
 * @param partial number of images that were measured but lack something, by reason
 * @param failures number of images that were not measured, by reason
 * @param notUsed frames that no image needed, such as calibrations of another filter
 * @param secondsPerStep median seconds of an image for each step, in order
 * @param output where the catalog lies
 */
public record ClosingTable(
    long images,
    long stars,
    double wallSeconds,
    Map<String, Long> partial,
    Map<String, Long> failures,
    long notUsed,
    Map<String, Double> secondsPerStep,
    String output) {

  public ClosingTable {
    partial = Collections.unmodifiableMap(new LinkedHashMap<>(partial));
    failures = Collections.unmodifiableMap(new LinkedHashMap<>(failures));
    secondsPerStep = Collections.unmodifiableMap(new LinkedHashMap<>(secondsPerStep));
  }

  private record Row(String name, String value) {}

  /** The table, with a line break at its end. */
  public String text() {
    List<Row> rows = new ArrayList<>();
    rows.add(new Row("images", count(images)));
    rows.add(new Row("stars", count(stars)));
    if (!partial.isEmpty()) {
      addByReason(rows, "partial", partial);
    }
    addByReason(rows, "failed", failures);
    if (notUsed > 0) {
      rows.add(new Row("frames not used", count(notUsed)));
    }
    rows.add(new Row("took", Durations.text(wallSeconds)));
    if (images > 0 && wallSeconds > 0) {
      rows.add(new Row("images a minute", number(images / wallSeconds * 60)));
    }
    if (!secondsPerStep.isEmpty()) {
      rows.add(new Row("seconds an image", seconds(total())));
      secondsPerStep.forEach((step, value) -> rows.add(new Row("  " + step, seconds(value))));
    }
    int names = rows.stream().mapToInt(row -> row.name().length()).max().orElse(0);
    int values = rows.stream().mapToInt(row -> row.value().length()).max().orElse(0);
    StringBuilder text = new StringBuilder();
    for (Row row : rows) {
      text.append(row.name())
          .append(" ".repeat(names - row.name().length() + 2 + values - row.value().length()))
          .append(row.value())
          .append(System.lineSeparator());
    }
    text.append("catalog").append(" ".repeat(Math.max(2, names - 5))).append(output);
    return text.append(System.lineSeparator()).toString();
  }

  private static void addByReason(List<Row> rows, String name, Map<String, Long> images) {
    rows.add(new Row(name, count(images.values().stream().mapToLong(Long::longValue).sum())));
    images.entrySet().stream()
        .sorted(
            Comparator.comparing((Map.Entry<String, Long> entry) -> -entry.getValue())
                .thenComparing(Map.Entry::getKey))
        .forEach(entry -> rows.add(new Row("  " + entry.getKey(), count(entry.getValue()))));
  }

  private double total() {
    return secondsPerStep.values().stream()
        .mapToDouble(Double::doubleValue)
        .filter(Double::isFinite)
        .sum();
  }

  private static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.1f" : "%,.0f", value);
  }

  private static String seconds(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.3f", value) : "-";
  }
}

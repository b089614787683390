package org.starmill.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.starmill.bench.Accuracy;

/** Writes the accuracy of simulated fields for people. */
final class AccuracyTables {
  private AccuracyTables() {}

  static String of(List<Accuracy> fields, String device) {
    StringBuilder text = new StringBuilder();
    for (Accuracy field : fields) {
      text.append(line("%,d stars", field.stars()));
      rows(text, "isolated", field.isolated());
      rows(text, "crowded", field.crowded());
      text.append(
          line(
              "  isolated stars: flux / truth above S/N 50 %.4f, bias from S/N 5 to 20 %+.2f %%",
              field.commonFactor(), field.faintBias()));
      text.append(
          line(
              "  purity above S/N 7: %.4f, %d are no stars, %d of those near bad pixels",
              field.purity(), field.falseStars(), field.falseNearBadPixels()));
      text.append(
          line(
              "  off by more than 5 sigma without a warning: %.2f %% of all found, %d of them near"
                  + " bad pixels; %.1f %% of all carry a warning",
              100 * field.wrong(), field.wrongNearBadPixels(), 100 * field.warned()));
      Accuracy.Saturated saturated = field.saturated();
      text.append(
          line(
              "  saturated stars: %d, found %.3f, flagged %.3f, flux bias %+.2f %%, median error"
                  + " %.2f %%, right to 2 %%: %.2f",
              saturated.number(),
              saturated.found(),
              saturated.flagged(),
              saturated.bias(),
              saturated.median(),
              saturated.within()));
      text.append("  CPU seconds on ").append(device).append(":");
      double total = 0;
      for (Map.Entry<String, Double> step : field.cpuSeconds().entrySet()) {
        total += step.getValue();
        text.append(String.format(Locale.ROOT, " %s %.2f,", step.getKey(), step.getValue()));
      }
      text.append(line(" all %.2f", total)).append(System.lineSeparator());
    }
    return text.toString();
  }

  private static void rows(StringBuilder text, String kind, List<Accuracy.Row> rows) {
    text.append(
        line(
            "  %-9s %8s %7s %8s %7s %8s %8s %8s %8s %8s %11s %9s",
            kind,
            "number",
            "found",
            "purity",
            "bias %",
            "scatter",
            "/ joint",
            "pull",
            "width",
            "over 5 %",
            "no warning",
            "position"));
    for (int i = 0; i < rows.size(); i++) {
      Accuracy.Row row = rows.get(i);
      text.append(
          line(
              "  %-9s %8d %7.3f %8.4f %7.2f %8.3f %8.3f %8.3f %8.3f %8.2f %11d %9.3f",
              i == 0 ? "all" : "%.0f to %.0f".formatted(row.from(), row.to()),
              row.number(),
              row.completeness(),
              row.purity(),
              row.bias(),
              row.scatter(),
              row.jointScatter(),
              row.pull(),
              row.pullWidth(),
              100 * row.farOff(),
              row.farOffUnwarned(),
              row.position()));
    }
  }

  private static String line(String format, Object... values) {
    return String.format(Locale.ROOT, format, values) + System.lineSeparator();
  }
}

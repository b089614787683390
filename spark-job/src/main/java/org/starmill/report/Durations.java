package org.starmill.report;

import java.util.Locale;

/** Writes durations as a person says them: two units at most. */
final class Durations {
  private Durations() {}

  /** The text of a number of seconds: "0.4 s", "35 s", "12 min 5 s", "3 h 20 min", "2 d 4 h". */
  static String text(double seconds) {
    if (!(seconds < 1e11)) {
      return "very long";
    }
    if (seconds < 9.95) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    if (whole < 3600) {
      return two(whole / 60, "min", whole % 60, "s");
    }
    if (whole < 86_400) {
      return two(whole / 3600, "h", whole % 3600 / 60, "min");
    }
    return two(whole / 86_400, "d", whole % 86_400 / 3600, "h");
  }

  private static String two(long large, String unit, long small, String smallUnit) {
    return small == 0 ? large + " " + unit : large + " " + unit + " " + small + " " + smallUnit;
  }
}

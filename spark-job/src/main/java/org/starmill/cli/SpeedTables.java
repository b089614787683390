package org.starmill.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.starmill.bench.Baseline;
import org.starmill.bench.Speed;

/** Writes the speed of the steps as a table for people. */
final class SpeedTables {
  private SpeedTables() {}

  static String of(Speed speed) {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "step", "CPU seconds", "wall seconds", "GB", "GB/s", "% of peak", "stars/s", "Mpx/s"
        });
    double pixels = 1e-6 * speed.width() * speed.height();
    for (Speed.Step step : speed.steps()) {
      rows.add(
          new String[] {
            step.name(),
            step.cpuSeconds() == null ? "-" : number(step.cpuSeconds(), 4),
            number(step.wallSeconds(), 4),
            number(step.bytes() * 1e-9, 2),
            number(step.bytes() * 1e-9 / step.wallSeconds(), 2),
            number(100 * step.bandwidthShare(), 1),
            number(speed.starsMeasured() / step.wallSeconds(), 0),
            number(pixels / step.wallSeconds(), 1)
          });
    }
    StringBuilder text = new StringBuilder(Tables.columns(rows));
    text.append(
        String.format(
            Locale.ROOT,
            "%nDevice %s, Java %s, %s; medians of %d runs, one image at a time on one thread.%n"
                + "%d x %d pixels, %,d stars drawn, %,d measured; one pass of the fit: %d steps.%n"
                + "GB: what must be moved at least. Peak of the memory: %.2f GB/s (triad a = b + s c"
                + " on this device, 12 bytes an element%s).%n"
                + "Whole image: %,.0f stars/s, %.2f megapixels/s.%n",
            speed.device(),
            speed.java(),
            speed.vectors() ? "with the Vector API" : "without the Vector API",
            speed.repeat(),
            speed.width(),
            speed.height(),
            speed.starsDrawn(),
            speed.starsMeasured(),
            speed.fitSweeps(),
            speed.peakBytesPerSecond() * 1e-9,
            speed.device().equals("java") ? "" : ", the way of the arrays to it and back included",
            speed.starsPerSecond(),
            speed.megapixelsPerSecond()));
    Speed.Parallel parallel = speed.parallel();
    if (parallel != null) {
      text.append(
          String.format(
              Locale.ROOT,
              "%d images at once: %.3f images/s, one at a time %.3f, ratio %.2f.%n",
              parallel.threads(),
              parallel.imagesPerSecond(),
              parallel.imagesPerSecondOfOne(),
              parallel.gain()));
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%,d such images: %.2f %s, reading, decoding and writing not included.%n",
            speed.cost().images(),
            speed.cost().years(),
            speed.cost().unit()));
    return text.toString();
  }

  static String of(Baseline baseline) {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "model",
          "stars",
          "one by one",
          "us a star, Hipparchus",
          "us a star, Starmill",
          "ratio",
          "flux - 1",
          "width / sigma",
          "within 0.1 sigma"
        });
    for (Baseline.Comparison model : baseline.models()) {
      rows.add(
          new String[] {
            model.model(),
            "%,d".formatted(model.stars()),
            "%,d".formatted(model.compared()),
            number(model.leastSquaresMicros(), 1),
            number(model.starmillMicros(), 1),
            number(model.ratio(), 1),
            String.format(Locale.ROOT, "%+.5f", model.fluxDifference()),
            number(model.fluxWidth(), 4),
            number(model.within(), 3)
          });
    }
    StringBuilder text = new StringBuilder(Tables.columns(rows));
    text.append(
        String.format(
            "%nCPU microseconds on one thread; x, y, flux and sky are fitted. Device %s, Java %s.%n",
            baseline.device(), System.getProperty("java.version")));
    if (!baseline.curves().isEmpty()) {
      List<String[]> times = new ArrayList<>();
      times.add(new String[] {"wall seconds", "stars", "seconds"});
      for (Baseline.Curve curve : baseline.curves()) {
        for (int i = 0; i < curve.stars().size(); i++) {
          times.add(
              new String[] {
                curve.name(),
                "%,d".formatted(curve.stars().get(i)),
                number(curve.seconds().get(i), 4)
              });
        }
      }
      text.append(System.lineSeparator()).append(Tables.columns(times));
    }
    return text.toString();
  }

  private static String number(double value, int digits) {
    return String.format(Locale.ROOT, "%,." + digits + "f", value);
  }
}

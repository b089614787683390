package org.starmill.masters;

import java.io.Serializable;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterSummary;

/**
 * What a master is like, and of when its frames are.
 *
 * @param readNoise of a single frame, ADU; NaN for a flat
 * @param level median of the master: ADU for a bias, 1 for a flat
 * @param noise median of its errors: ADU for a bias, relative for a flat
 * @param clipped number of values that were clipped, of all frames and pixels
 * @param empty number of pixels without a value
 * @param mjdFirst start of its first exposure, UTC; NaN where no frame has a time
 * @param mjdMean mean of the middles of its exposures
 * @param mjdLast end of its last exposure
 * @param built when the master was built, UTC, ISO 8601; not known beforehand, and part of no
 *     identity
 */
public record MasterFigures(
    double readNoise,
    double level,
    double noise,
    long clipped,
    long empty,
    double mjdFirst,
    double mjdMean,
    double mjdLast,
    String built)
    implements Serializable {
  static final MasterFigures UNKNOWN =
      new MasterFigures(
          Double.NaN, Double.NaN, Double.NaN, 0, 0, Double.NaN, Double.NaN, Double.NaN, null);

  private static final double SECONDS_A_DAY = 86_400;

  /** Of a master that was built just now. */
  static MasterFigures of(Master master, List<CalibrationFrame> used) {
    MasterSummary summary = MasterSummary.of(master);
    double first = Double.NaN;
    double last = Double.NaN;
    double sum = 0;
    int timed = 0;
    for (CalibrationFrame frame : used) {
      if (Double.isFinite(frame.mjd())) {
        double days =
            Double.isFinite(frame.exposureSeconds()) ? frame.exposureSeconds() / SECONDS_A_DAY : 0;
        first = timed == 0 ? frame.mjd() : Math.min(first, frame.mjd());
        last = timed == 0 ? frame.mjd() + days : Math.max(last, frame.mjd() + days);
        sum += frame.mjd() + 0.5 * days;
        timed++;
      }
    }
    return new MasterFigures(
        master.readNoise(),
        summary.level(),
        summary.noise(),
        summary.clipped(),
        summary.empty(),
        first,
        timed == 0 ? Double.NaN : sum / timed,
        last,
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
  }
}

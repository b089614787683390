package org.starmill.bench;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.starmill.measure.Reduction;
import org.starmill.measure.Stars;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.NearbyStars;
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedExposure;
import org.starmill.sample.StarBounds;
import org.starmill.sample.StarTruth;

/**
 * Simulated fields of one number of stars, reduced: every true star and every measured one.
 *
 * @param stars number of stars that was asked for
 * @param trueStars those within the frame
 * @param detections all rows of the catalogs
 * @param cpuSeconds of each step of the reduction, median over the runs
 */
record AccuracyField(
    int stars,
    List<TrueStar> trueStars,
    List<Detection> detections,
    Map<String, Double> cpuSeconds) {

  /** Which of a camera's science frames is taken. */
  static final int INDEX = 0;

  private static final double OF_THE_FACTOR = 50;

  /** Rows of one field beside its truth. */
  static AccuracyField of(
      SimulatedCamera camera,
      SimulatedExposure exposure,
      Reduction reduction,
      Map<String, Double> cpuSeconds) {
    CameraSettings settings = camera.settings();
    StarTruth truth = exposure.stars();
    StarBounds bounds = camera.jointBounds(INDEX, truth);
    Stars stars = reduction.stars();
    TruthMatch match = TruthMatch.of(truth, stars, settings.psf().fwhm());
    NearbyStars nearby = new NearbyStars(truth.x(), truth.y(), 10);
    boolean[] good = camera.goodPixels();

    List<Detection> detections = new ArrayList<>(stars.count());
    for (int k = 0; k < stars.count(); k++) {
      double flux = stars.flux()[k];
      detections.add(
          new Detection(
              stars.x()[k],
              stars.y()[k],
              flux,
              stars.fluxErr()[k],
              settings.stars().zeroPoint()
                  - 2.5 * Math.log10(Math.max(flux, 1e-3) / settings.exposureTime()),
              stars.flags()[k],
              crowding(truth, nearby, stars.x()[k], stars.y()[k], flux, match.truth()[k]),
              match.isTrue()[k],
              isNearBad(good, settings.chip(), stars.x()[k], stars.y()[k])));
    }
    List<TrueStar> trueStars = new ArrayList<>(settings.stars().count());
    for (int i = 0; i < truth.count(); i++) {
      if (truth.inside()[i]) {
        double x = truth.x()[i];
        double y = truth.y()[i];
        double flux = truth.flux()[i];
        trueStars.add(
            new TrueStar(
                x,
                y,
                truth.mag()[i],
                flux,
                truth.fluxBound()[i],
                bounds.flux()[i],
                Math.sqrt(0.5 * (square(bounds.x()[i]) + square(bounds.y()[i]))),
                crowding(truth, nearby, x, y, flux, i),
                truth.saturated()[i],
                truth.saturated()[i]
                    && flux * camera.peakShareAt(x, y) > settings.chip().fullWell(),
                isNearBad(good, settings.chip(), x, y),
                match.measured()[i] < 0 ? null : detections.get(match.measured()[i])));
      }
    }
    return new AccuracyField(settings.stars().count(), trueStars, detections, cpuSeconds);
  }

  private static double square(double value) {
    return value * value;
  }

  private static Crowding crowding(
      StarTruth truth, NearbyStars nearby, double x, double y, double flux, int self) {
    boolean[] found = new boolean[2];
    nearby.within(
        Crowding.ISOLATED_DISTANCE,
        x,
        y,
        other -> {
          if (other != self && truth.flux()[other] > Crowding.ISOLATED_SHARE * flux) {
            found[0] = true;
            double distance = Math.hypot(truth.x()[other] - x, truth.y()[other] - y);
            found[1] |=
                distance < Crowding.CROWDED_DISTANCE
                    && truth.flux()[other] > Crowding.CROWDED_SHARE * flux;
          }
        });
    return found[1] ? Crowding.CROWDED : found[0] ? Crowding.BETWEEN : Crowding.ISOLATED;
  }

  private static boolean isNearBad(boolean[] good, CameraSettings.Chip chip, double x, double y) {
    int column = (int) Math.round(x);
    int row = (int) Math.round(y);
    for (int v = Math.max(0, row - 2); v <= Math.min(chip.height() - 1, row + 2); v++) {
      for (int u = Math.max(0, column - 2); u <= Math.min(chip.width() - 1, column + 2); u++) {
        if (!good[v * chip.width() + u]) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * The common factor of the measured fluxes: the median of flux / truth over isolated stars above
   * S/N 50. A survey's zero point takes it up.
   */
  double commonFactor() {
    return Robust.median(
        trueStars.stream()
            .filter(
                star ->
                    star.isFound()
                        && !star.saturated()
                        && star.crowding() == Crowding.ISOLATED
                        && star.significance() > OF_THE_FACTOR)
            .mapToDouble(star -> star.measured().flux() / star.flux())
            .toArray());
  }

  /** The same with all fluxes divided by a factor. */
  AccuracyField divided(double factor) {
    Map<Detection, Detection> divided = new IdentityHashMap<>();
    detections.forEach(detection -> divided.put(detection, detection.divided(factor)));
    return new AccuracyField(
        stars,
        trueStars.stream()
            .map(star -> star.isFound() ? star.with(divided.get(star.measured())) : star)
            .toList(),
        detections.stream().map(divided::get).toList(),
        cpuSeconds);
  }

  /** Fields of the same number of stars as one. */
  static AccuracyField together(List<AccuracyField> fields) {
    List<TrueStar> trueStars = new ArrayList<>();
    List<Detection> detections = new ArrayList<>();
    Map<String, List<Double>> seconds = new LinkedHashMap<>();
    for (AccuracyField field : fields) {
      trueStars.addAll(field.trueStars);
      detections.addAll(field.detections);
      field.cpuSeconds.forEach(
          (step, value) -> seconds.computeIfAbsent(step, s -> new ArrayList<>()).add(value));
    }
    Map<String, Double> medians = new LinkedHashMap<>();
    seconds.forEach(
        (step, values) ->
            medians.put(
                step, Robust.median(values.stream().mapToDouble(Double::doubleValue).toArray())));
    return new AccuracyField(fields.get(0).stars, trueStars, detections, medians);
  }
}

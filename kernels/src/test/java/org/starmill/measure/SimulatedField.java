package org.starmill.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.MasterSettings;
import org.starmill.calibrate.Masters;
import org.starmill.device.Device;
import org.starmill.image.Detector;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.NearbyStars;
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedFrame;
import org.starmill.sample.StarBounds;
import org.starmill.sample.StarTruth;

/** A field of the simulated camera, reduced, beside the truth of its stars. */
final class SimulatedField {
  final Reduction reduction;
  final StarTruth truth;

  /** For each true star the number of the measured one; -1 where there is none within a pixel. */
  final int[] match;

  private final SimulatedCamera camera;

  private SimulatedField(SimulatedCamera camera, Reduction reduction, StarTruth truth) {
    this.camera = camera;
    this.reduction = reduction;
    this.truth = truth;
    this.match = match(reduction.stars(), truth);
  }

  /** The bounds of stars that are fitted together with their neighbours. */
  StarBounds jointBounds() {
    return camera.jointBounds(0, truth);
  }

  static RawFrame raw(SimulatedCamera camera, SimulatedFrame frame) {
    CameraSettings.Chip chip = camera.settings().chip();
    return new RawFrame(
        frame.adu(),
        frame.columns(),
        frame.height(),
        new Section(0, 0, frame.width(), frame.height()),
        new Section(frame.width(), 0, frame.overscan(), frame.height()),
        new Detector(chip.gain(), chip.readNoise(), camera.settings().saturation(), List.of()));
  }

  static Masters masters(SimulatedCamera camera, Device device, int biases, int flats) {
    MasterBuilder builder = new MasterBuilder(device, MasterSettings.DEFAULT);
    Master bias =
        builder.bias(
            () -> IntStream.range(0, biases).mapToObj(i -> raw(camera, camera.bias(i))).iterator());
    Master flat =
        builder.flat(
            () -> IntStream.range(0, flats).mapToObj(i -> raw(camera, camera.flat(i))).iterator(),
            bias);
    return new Masters(bias, flat);
  }

  static SimulatedField reduce(
      CameraSettings settings, ReductionSettings reduction, Device device) {
    SimulatedCamera camera = new SimulatedCamera(settings);
    Masters masters = masters(camera, device, 10, 10);
    var exposure = camera.science(0);
    try (ImageReducer reducer = new ImageReducer(device, reduction)) {
      return new SimulatedField(
          camera, reducer.reduce(raw(camera, exposure.frame()), masters), exposure.stars());
    }
  }

  /**
   * Brightest first, each true star takes the nearest measured one within a pixel (of a saturated
   * star: two) that no brighter one took, unless another true star of at least half its flux, which
   * took none, is nearer to it. Then what is left over is matched without that exception.
   */
  private static int[] match(Stars stars, StarTruth truth) {
    int[] match = new int[truth.count()];
    Arrays.fill(match, -1);
    boolean[] taken = new boolean[stars.count()];
    NearbyStars measured = new NearbyStars(stars.x(), stars.y(), 4);
    NearbyStars real = new NearbyStars(truth.x(), truth.y(), 4);
    int[] brightestFirst =
        IntStream.range(0, truth.count())
            .boxed()
            .sorted((a, b) -> Double.compare(truth.flux()[b], truth.flux()[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    for (boolean yielding : new boolean[] {true, false}) {
      for (int i : brightestFirst) {
        if (match[i] >= 0) {
          continue;
        }
        double[] best = {truth.saturated()[i] ? 2 : 1};
        measured.within(
            best[0],
            truth.x()[i],
            truth.y()[i],
            k -> {
              double distance =
                  Math.hypot(stars.x()[k] - truth.x()[i], stars.y()[k] - truth.y()[i]);
              boolean[] rival = {false};
              if (yielding) {
                real.within(
                    distance,
                    stars.x()[k],
                    stars.y()[k],
                    other ->
                        rival[0] |=
                            other != i
                                && match[other] < 0
                                && truth.flux()[other] > 0.5 * truth.flux()[i]);
              }
              if (!taken[k] && distance < best[0] && !rival[0]) {
                best[0] = distance;
                match[i] = k;
              }
            });
        if (match[i] >= 0) {
          taken[match[i]] = true;
        }
      }
    }
    return match;
  }

  /**
   * True stars with S/N above 5 by their bound, unsaturated, with a neighbour above 10 % of their
   * flux within 5 pixels.
   */
  int[] crowded() {
    NearbyStars near = new NearbyStars(truth.x(), truth.y(), 8);
    return IntStream.range(0, truth.count())
        .filter(
            i -> {
              boolean[] neighbour = {false};
              near.within(
                  5,
                  truth.x()[i],
                  truth.y()[i],
                  k -> neighbour[0] |= k != i && truth.flux()[k] > 0.1 * truth.flux()[i]);
              return neighbour[0]
                  && truth.inside()[i]
                  && !truth.saturated()[i]
                  && truth.flux()[i] > 5 * truth.fluxBound()[i];
            })
        .toArray();
  }

  /**
   * Share of the measured stars above a signal-to-noise that true ones explain: those within a
   * pixel have at least half the flux, or it is the measurement of a saturated star.
   */
  double purity(double signal) {
    Stars stars = reduction.stars();
    NearbyStars real = new NearbyStars(truth.x(), truth.y(), 4);
    boolean[] matched = new boolean[stars.count()];
    for (int k : match) {
      if (k >= 0) {
        matched[k] = true;
      }
    }
    int all = 0;
    int explained = 0;
    for (int k = 0; k < stars.count(); k++) {
      if (stars.flux()[k] > signal * stars.fluxErr()[k]) {
        all++;
        double[] light = {0};
        boolean[] full = {false};
        double x = stars.x()[k];
        double y = stars.y()[k];
        real.within(1, x, y, i -> light[0] += truth.flux()[i]);
        real.within(2, x, y, i -> full[0] |= truth.saturated()[i]);
        explained += matched[k] && full[0] || light[0] >= 0.5 * stars.flux()[k] ? 1 : 0;
      }
    }
    return (double) explained / all;
  }

  /**
   * True stars with S/N above 5 by their bound, unsaturated, no neighbour above 1 % in 10 pixels.
   */
  int[] isolated() {
    return IntStream.range(0, truth.count())
        .filter(
            i ->
                truth.inside()[i]
                    && !truth.saturated()[i]
                    && truth.neighbourDistance()[i] > 10
                    && truth.flux()[i] > 5 * truth.fluxBound()[i])
        .toArray();
  }

  double completeness(int[] chosen) {
    return (double) Arrays.stream(chosen).filter(i -> match[i] >= 0).count() / chosen.length;
  }

  /** (flux - truth) / bound of the chosen stars that were found. */
  double[] inBounds(int[] chosen) {
    return Arrays.stream(chosen)
        .filter(i -> match[i] >= 0)
        .mapToDouble(
            i -> (reduction.stars().flux()[match[i]] - truth.flux()[i]) / truth.fluxBound()[i])
        .toArray();
  }

  /** (flux - truth) / flux_err of the chosen stars that were found. */
  double[] pulls(int[] chosen) {
    Stars stars = reduction.stars();
    return Arrays.stream(chosen)
        .filter(i -> match[i] >= 0)
        .mapToDouble(i -> (stars.flux()[match[i]] - truth.flux()[i]) / stars.fluxErr()[match[i]])
        .toArray();
  }

  /**
   * The chosen stars by whole magnitudes, brightest first; bins of fewer than 200 join the next.
   */
  List<int[]> byMagnitude(int[] chosen) {
    int[] sorted =
        Arrays.stream(chosen)
            .boxed()
            .sorted((a, b) -> Double.compare(truth.mag()[a], truth.mag()[b]))
            .mapToInt(Integer::intValue)
            .toArray();
    List<int[]> bins = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= sorted.length; i++) {
      boolean last = i == sorted.length;
      boolean next =
          !last
              && Math.floor(truth.mag()[sorted[i]]) > Math.floor(truth.mag()[sorted[i - 1]])
              && i - from >= 200;
      if (last || next) {
        bins.add(Arrays.copyOfRange(sorted, from, i));
        from = i;
      }
    }
    return bins;
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }

  /** 1.4826 times the median absolute deviation from the median. */
  static double robustWidth(double[] values) {
    double median = median(values);
    return 1.4826 * median(Arrays.stream(values).map(v -> Math.abs(v - median)).toArray());
  }
}

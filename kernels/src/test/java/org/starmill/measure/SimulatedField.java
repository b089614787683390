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
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedFrame;
import org.starmill.sample.StarTruth;

/** A field of the simulated camera, reduced, beside the truth of its stars. */
final class SimulatedField {
  final Reduction reduction;
  final StarTruth truth;

  /** For each true star the number of the measured one; -1 where there is none within a pixel. */
  final int[] match;

  private SimulatedField(Reduction reduction, StarTruth truth) {
    this.reduction = reduction;
    this.truth = truth;
    this.match = match(reduction.stars(), truth);
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
          reducer.reduce(raw(camera, exposure.frame()), masters), exposure.stars());
    }
  }

  private static int[] match(Stars stars, StarTruth truth) {
    // Measured stars are sorted by y; each true star takes the nearest one within a pixel.
    int[] match = new int[truth.count()];
    for (int i = 0; i < match.length; i++) {
      match[i] = -1;
      double best = 1;
      int from = Arrays.binarySearch(stars.y(), truth.y()[i] - 1);
      for (int k = from < 0 ? -from - 1 : from;
          k < stars.count() && stars.y()[k] <= truth.y()[i] + 1;
          k++) {
        double distance = Math.hypot(stars.x()[k] - truth.x()[i], stars.y()[k] - truth.y()[i]);
        if (distance < best) {
          best = distance;
          match[i] = k;
        }
      }
    }
    return match;
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

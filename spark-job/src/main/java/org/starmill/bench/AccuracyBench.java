package org.starmill.bench;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.Masters;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.image.Detector;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;
import org.starmill.masters.MasterBuild;
import org.starmill.masters.MasterKind;
import org.starmill.measure.ImageReducer;
import org.starmill.measure.Reduction;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedExposure;
import org.starmill.sample.SimulatedFrame;

/**
 * Simulates fields, reduces them with a campaign's settings, and compares the catalogs with the
 * truth.
 *
 * <p>For each seed a camera, its masters of ten bias and ten flat frames, and a frame of each
 * number of stars. Keeps the rows of all stars, so that they can be drawn and written.
 */
public final class AccuracyBench {
  private static final int CALIBRATION_FRAMES = 10;

  private final CampaignConfig config;
  private final Device device;
  private final Consumer<String> progress;
  private final boolean zeroPoint;
  private final Map<Integer, List<AccuracyField>> fields = new LinkedHashMap<>();

  /**
   * Makes a bench; it does not close the device.
   *
   * @param config whose settings hold
   * @param device that the kernels run on
   * @param zeroPoint whether each frame's fluxes are divided by their common factor, the median of
   *     flux / truth of isolated stars above S/N 50
   * @param progress hears in a few words what is done next
   */
  public AccuracyBench(
      CampaignConfig config, Device device, boolean zeroPoint, Consumer<String> progress) {
    this.config = config;
    this.device = device;
    this.zeroPoint = zeroPoint;
    this.progress = progress;
  }

  /**
   * Simulates and reduces fields of one camera.
   *
   * @param settings of the camera, its seed among them
   * @param stars numbers of stars, a field each
   * @param repeat how often each is reduced; times are the median without the first, which warms
   *     up, where there are several
   */
  public void run(CameraSettings settings, List<Integer> stars, int repeat) {
    progress.accept("seed %d: masters".formatted(settings.seed()));
    Masters masters = masters(new SimulatedCamera(settings.withStars(0)));
    for (int count : stars) {
      progress.accept("seed %d: %,d stars".formatted(settings.seed(), count));
      SimulatedCamera camera = new SimulatedCamera(settings.withStars(count));
      SimulatedExposure exposure = camera.science(AccuracyField.INDEX);
      RawFrame raw = raw(camera, exposure.frame());
      List<Map<String, Double>> seconds = new ArrayList<>();
      Reduction reduction = null;
      try (ImageReducer reducer = new ImageReducer(device, config.reduction())) {
        for (int time = 0; time < repeat; time++) {
          reduction = reducer.reduce(raw, masters);
          seconds.add(reduction.cpuSeconds());
        }
      }
      AccuracyField field =
          AccuracyField.of(
              camera,
              exposure,
              reduction,
              medians(repeat > 1 ? seconds.subList(1, repeat) : seconds));
      fields
          .computeIfAbsent(count, n -> new ArrayList<>())
          .add(zeroPoint ? field.divided(field.commonFactor()) : field);
    }
  }

  private Masters masters(SimulatedCamera camera) {
    Master bias =
        new MasterBuilder(device, MasterBuild.settingsOf(MasterKind.BIAS, config.masters()))
            .bias(() -> frames(camera, camera::bias));
    return new Masters(
        bias,
        new MasterBuilder(device, MasterBuild.settingsOf(MasterKind.FLAT, config.masters()))
            .flat(() -> frames(camera, camera::flat), bias));
  }

  private static Iterator<RawFrame> frames(
      SimulatedCamera camera, IntFunction<SimulatedFrame> frame) {
    return IntStream.range(0, CALIBRATION_FRAMES)
        .mapToObj(i -> raw(camera, frame.apply(i)))
        .iterator();
  }

  private static RawFrame raw(SimulatedCamera camera, SimulatedFrame frame) {
    CameraSettings.Chip chip = camera.settings().chip();
    return new RawFrame(
        frame.adu(),
        frame.columns(),
        frame.height(),
        new Section(0, 0, frame.width(), frame.height()),
        new Section(frame.width(), 0, frame.overscan(), frame.height()),
        new Detector(chip.gain(), chip.readNoise(), camera.settings().saturation(), List.of()));
  }

  private static Map<String, Double> medians(List<Map<String, Double>> runs) {
    Map<String, Double> medians = new LinkedHashMap<>();
    for (String step : runs.get(0).keySet()) {
      medians.put(step, Robust.median(runs.stream().mapToDouble(run -> run.get(step)).toArray()));
    }
    return medians;
  }

  /** The figures, for each number of stars; seeds are taken together. */
  public List<Accuracy> figures() {
    return fields.values().stream().map(AccuracyField::together).map(Accuracy::of).toList();
  }

  /**
   * Draws all stars, and writes them where asked.
   *
   * @param folder made where it is not there; files of these names in it are replaced
   * @param csv whether stars are written too: a row a true star within the frame, then a row each
   *     measured one that is false
   * @return the files: for each number of stars N accuracy-pulls-N.png and accuracy-flux-N.png, and
   *     with them accuracy-N.csv
   */
  public List<Path> write(Path folder, boolean csv) throws IOException {
    Files.createDirectories(folder);
    List<Path> files = new ArrayList<>();
    for (List<AccuracyField> ofOneNumber : fields.values()) {
      AccuracyField field = AccuracyField.together(ofOneNumber);
      Path pulls = folder.resolve("accuracy-pulls-%d.png".formatted(field.stars()));
      Path flux = folder.resolve("accuracy-flux-%d.png".formatted(field.stars()));
      AccuracyPlots.pulls(field, pulls);
      AccuracyPlots.flux(field, flux);
      files.addAll(List.of(pulls, flux));
      if (csv) {
        Path rows = folder.resolve("accuracy-%d.csv".formatted(field.stars()));
        write(field, rows);
        files.add(rows);
      }
    }
    return files;
  }

  private static void write(AccuracyField field, Path file) throws IOException {
    try (BufferedWriter writer = Files.newBufferedWriter(file)) {
      writer.write(
          "x,y,mag,flux,bound,joint_bound,crowding,saturated,near_bad_pixel,"
              + "measured_x,measured_y,measured_flux,flux_err,flags\n");
      for (TrueStar star : field.trueStars()) {
        Detection measured = star.measured();
        writer.write(
            String.format(
                Locale.ROOT,
                "%.3f,%.3f,%.3f,%.2f,%.3f,%.3f,%s,%s,%s,%s%n",
                star.x(),
                star.y(),
                star.mag(),
                star.flux(),
                star.bound(),
                star.jointBound(),
                star.crowding().name().toLowerCase(Locale.ROOT),
                star.saturated(),
                star.nearBadPixel(),
                measured == null
                    ? ",,,,"
                    : String.format(
                        Locale.ROOT,
                        "%.3f,%.3f,%.2f,%.3f,%d",
                        measured.x(),
                        measured.y(),
                        measured.flux(),
                        measured.fluxErr(),
                        measured.flags())));
      }
      for (Detection measured : field.detections()) {
        if (!measured.isTrue()) {
          writer.write(
              String.format(
                  Locale.ROOT,
                  ",,,,,,%s,,,%.3f,%.3f,%.2f,%.3f,%d%n",
                  measured.crowding().name().toLowerCase(Locale.ROOT),
                  measured.x(),
                  measured.y(),
                  measured.flux(),
                  measured.fluxErr(),
                  measured.flags()));
        }
      }
    }
  }
}

package org.starmill.bench;

import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.MasterSettings;
import org.starmill.calibrate.Masters;
import org.starmill.device.Device;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;
import org.starmill.measure.ImageReducer;
import org.starmill.measure.Reduction;
import org.starmill.measure.ReductionSettings;
import org.starmill.measure.StarFit;
import org.starmill.measure.Stars;
import org.starmill.psf.PsfModel;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.NearbyStars;
import org.starmill.sample.PsfKind;

/**
 * Compares the fit of all stars together with a fit of one star after the other ({@link
 * LeastSquaresStar}), in one process.
 *
 * <p>A field for each PSF model is simulated and reduced; its stars are then fitted again from
 * first guesses as a search gives them. Times are medians after a warm-up.
 */
public final class BaselineBench {
  private static final int COMPARED = 500;
  private static final int RUNS = 3;

  /** Stars of the curves, on a frame of full size. */
  private static final int[] NUMBERS = {100, 300, 1_000, 3_000, 10_000, 30_000, 100_000};

  /** The densest field of the curves: a star on so many pixels. */
  private static final double LEAST_PIXELS_A_STAR = 90;

  /** Pixels to the nearest other star, beyond which a star is fitted alone. */
  private static final double ALONE = 14;

  private final ReductionSettings settings;
  private final Supplier<Device> devices;
  private final Consumer<String> progress;

  /**
   * Makes a bench.
   *
   * @param settings of the fits; the PSF's model and the sky are this bench's
   * @param devices opens the device that is compared, with one thread
   * @param progress hears in a few words what is done next
   */
  public BaselineBench(
      ReductionSettings settings, Supplier<Device> devices, Consumer<String> progress) {
    this.settings = settings;
    this.devices = devices;
    this.progress = progress;
  }

  /**
   * Compares.
   *
   * @param camera with its number of stars, its size and its seed
   * @param curves whether times against numbers of stars are taken, for each device there is
   */
  public Baseline run(CameraSettings camera, boolean curves) {
    List<Baseline.Comparison> models = new ArrayList<>();
    try (Device device = devices.get()) {
      for (PsfModel model : List.of(PsfModel.GAUSSIAN, PsfModel.MOFFAT)) {
        progress.accept("one by one, %s".formatted(name(model)));
        models.add(compare(device, reduce(camera, model), model));
      }
      return new Baseline(
          device.name(),
          List.copyOf(models),
          curves ? curves(camera, models.get(1).leastSquaresMicros()) : List.of());
    }
  }

  private static String name(PsfModel model) {
    return model == PsfModel.MOFFAT ? "Moffat" : "Gaussian";
  }

  private ReductionSettings with(PsfModel model) {
    return new ReductionSettings(
        settings.skyBox(),
        settings.skyFilter(),
        settings.skyMaxLevel(),
        settings.threshold(),
        model,
        settings.psfBeta(),
        settings.psfOrder(),
        // The one that is compared with knows the formula alone.
        -1,
        settings.psfMinStars(),
        settings.psfMaxStars(),
        settings.stampRadius(),
        true,
        settings.passes(),
        settings.maxGroup(),
        settings.edge(),
        settings.cosmicRays(),
        settings.trails(),
        settings.apertures());
  }

  private Reduction reduce(CameraSettings camera, PsfModel model) {
    PsfKind kind = model == PsfModel.MOFFAT ? PsfKind.MOFFAT : PsfKind.GAUSSIAN;
    SpeedField field = SpeedField.of(camera.withPsf(kind, camera.psf().fwhm()), 3, 3, progress);
    try (Device java = Devices.java(Runtime.getRuntime().availableProcessors());
        ImageReducer reducer = new ImageReducer(java, with(model))) {
      MasterBuilder builder = new MasterBuilder(java, MasterSettings.DEFAULT);
      Master bias = builder.bias(field.biases());
      Master flat = builder.flat(field.flats(), bias);
      return reducer.reduce(field.science(), new Masters(bias, flat));
    }
  }

  private Baseline.Comparison compare(Device device, Reduction reduction, PsfModel model) {
    StarFit fit = new StarFit(device, with(model), reduction);
    int count = reduction.stars().count();
    SpeedBench.FirstGuess guess = SpeedBench.FirstGuess.of(reduction.stars(), count);
    StarFit.Fitted[] fitted = new StarFit.Fitted[1];
    Stopwatch.Seconds together =
        SpeedBench.medians(device, RUNS, () -> fitted[0] = guess.fit(fit, reduction));

    int[] chosen = alone(reduction.stars());
    double[] flux = new double[chosen.length];
    LeastSquaresStar single =
        new LeastSquaresStar(
            fit.image(),
            fit.weight(),
            reduction.image().width(),
            reduction.image().height(),
            reduction.psf());
    Runnable allSingly =
        () -> {
          for (int k = 0; k < chosen.length; k++) {
            int i = chosen[k];
            flux[k] =
                single.fit(guess.x()[i], guess.y()[i], guess.flux()[i], fitted[0].radius()[i])[2];
          }
        };
    Stopwatch.Seconds singly;
    try (Device java = Devices.java(1)) {
      singly = SpeedBench.medians(java, RUNS, allSingly);
    }

    double[] ratio = new double[chosen.length];
    double[] difference = new double[chosen.length];
    for (int k = 0; k < chosen.length; k++) {
      float own = fitted[0].flux()[chosen[k]];
      ratio[k] = own / flux[k] - 1;
      difference[k] = (own - flux[k]) / fitted[0].errorFlux()[chosen[k]];
    }
    double one = 1e6 * singly.cpu() / chosen.length;
    double all = 1e6 * together.cpu() / count;
    return new Baseline.Comparison(
        name(model),
        count,
        chosen.length,
        one,
        all,
        one / all,
        Robust.median(ratio),
        Robust.width(difference),
        Arrays.stream(difference).filter(d -> Math.abs(d) < 0.1).count() / (double) chosen.length);
  }

  /** Stars of all fluxes that stand alone on good pixels, as many as are compared at most. */
  private static int[] alone(Stars stars) {
    NearbyStars near = new NearbyStars(stars.x(), stars.y(), ALONE);
    int[] all =
        IntStream.range(0, stars.count())
            .filter(i -> stars.flags()[i] == 0 && stars.flux()[i] > 5 * stars.fluxErr()[i])
            .filter(
                i -> {
                  int[] others = {0};
                  near.within(ALONE, stars.x()[i], stars.y()[i], k -> others[0]++);
                  return others[0] == 1;
                })
            .toArray();
    int chosen = Math.min(COMPARED, all.length);
    return IntStream.range(0, chosen)
        .map(k -> all[(int) ((long) k * all.length / chosen)])
        .toArray();
  }

  /** Each device there is, and plain Java, over numbers of stars; and the one-by-one fit. */
  private List<Baseline.Curve> curves(CameraSettings camera, double leastSquaresMicros) {
    Map<String, Baseline.Curve> curves = new LinkedHashMap<>();
    List<Integer> counts = new ArrayList<>();
    double pixels = (double) camera.chip().width() * camera.chip().height();
    for (int number : NUMBERS) {
      if (number * LEAST_PIXELS_A_STAR > pixels) {
        break;
      }
      Reduction reduction = reduce(camera.withStars(number), PsfModel.MOFFAT);
      counts.add(reduction.stars().count());
      for (DeviceInfo info : Devices.list()) {
        try (Device device = Devices.open(info, 1)) {
          boolean java = info.kind() == DeviceInfo.Kind.JAVA;
          String name = java && device.usesVectors() ? "java, Vector API" : info.name();
          time(curves, name, device, reduction);
        }
      }
      try (Device device = Devices.scalarJava(1)) {
        time(curves, "java, scalar", device, reduction);
      }
    }
    curves.put(
        "Hipparchus, one by one (its time a star)",
        new Baseline.Curve(
            "Hipparchus, one by one (its time a star)",
            counts,
            counts.stream().map(count -> count * leastSquaresMicros * 1e-6).toList()));
    return List.copyOf(curves.values());
  }

  private void time(
      Map<String, Baseline.Curve> curves, String name, Device device, Reduction reduction) {
    int count = reduction.stars().count();
    progress.accept("%,d stars on %s".formatted(count, name));
    StarFit fit = new StarFit(device, with(PsfModel.MOFFAT), reduction);
    SpeedBench.FirstGuess guess = SpeedBench.FirstGuess.of(reduction.stars(), count);
    double seconds = SpeedBench.medians(device, RUNS, () -> guess.fit(fit, reduction)).wall();
    Baseline.Curve curve =
        curves.computeIfAbsent(
            name, n -> new Baseline.Curve(n, new ArrayList<>(), new ArrayList<>()));
    curve.stars().add(count);
    curve.seconds().add(seconds);
  }

  /** Draws the curves, both axes logarithmic, as PNG. */
  public static void plot(Baseline baseline, Path file) throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(900)
            .height(600)
            .title("One pass of the Moffat fit over all stars of an image")
            .xAxisTitle("stars")
            .yAxisTitle("wall seconds")
            .build();
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideNW);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    for (Baseline.Curve curve : baseline.curves()) {
      chart.addSeries(curve.name(), curve.stars(), curve.seconds());
    }
    BitmapEncoder.saveBitmap(chart, file.toString(), BitmapEncoder.BitmapFormat.PNG);
  }
}

package org.starmill.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.starmill.calibrate.Calibration;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.Masters;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.image.RawFrame;
import org.starmill.masters.MasterBuild;
import org.starmill.masters.MasterKind;
import org.starmill.measure.ImageReducer;
import org.starmill.measure.Measurement;
import org.starmill.measure.Reduction;
import org.starmill.measure.StarFit;
import org.starmill.measure.Stars;
import org.starmill.psf.PsfModel;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import org.starmill.trace.Trace;
import org.starmill.trace.TraceFile;
import org.starmill.trace.Track;

/**
 * Measures how long each step of the way takes on simulated frames in memory.
 *
 * <p>Everything is done several times in one JVM, the first times to warm it up, and medians are
 * taken. The way is measured with a single pass, which finds and fits every star once, and with all
 * the passes that the settings ask for; each of their rows holds all that a step takes.
 */
public final class SpeedBench {
  /** Names of the rows. */
  public static final String MASTER_BIAS = "master bias, 20 frames";

  public static final String CALIBRATE = "raw frame to image, variance, mask";
  public static final String FIRST_SKY_AND_DETECT = "one pass: sky and detection";
  public static final String FIRST_PSF = "one pass: PSF shape";
  public static final String FIRST_WHOLE = "one pass: whole image";
  public static final String SKY = "all passes: sky";
  public static final String DETECT = "all passes: detection";
  public static final String PSF = "all passes: PSF shape";
  public static final String MEASURE = "all passes: fit, apertures";
  public static final String WHOLE = "all passes: whole image";

  private static final int BIASES = 20;
  private static final int FLATS = 5;
  private static final int WARM_UPS = 2;
  private static final long SURVEY = 50_000_000L;
  private static final double SECONDS_A_YEAR = 365.25 * 86_400;

  /** Of each round of images at once: how many images a thread, and how many rounds. */
  private static final int IMAGES_A_ROUND = 2;

  private static final int ROUNDS = 3;

  private final CampaignConfig config;
  private final Supplier<Device> devices;
  private final Consumer<String> progress;
  private final TraceFile trace;

  /**
   * Makes a bench.
   *
   * @param config whose settings hold
   * @param devices opens the device that is measured, with one thread; several times where several
   *     images are to be in work at once
   * @param progress hears in a few words what is done next
   * @param trace gets what is done when
   */
  public SpeedBench(
      CampaignConfig config, Supplier<Device> devices, Consumer<String> progress, TraceFile trace) {
    this.trace = trace;
    this.config = config;
    this.devices = devices;
    this.progress = progress;
  }

  /** The row of one pass of the fit. */
  public static String onePass(PsfModel model) {
    return "one pass: %s fit".formatted(model == PsfModel.MOFFAT ? "Moffat" : "Gaussian");
  }

  /**
   * Simulates, and measures.
   *
   * @param camera with its number of stars, its size and its seed
   * @param repeat runs that medians are taken over
   * @param threads images in work at once, above 1 to measure that too
   */
  public Speed run(CameraSettings camera, int repeat, int threads) {
    return trace.record(
        new Track("starmill bench", "main"), "bench", () -> measured(camera, repeat, threads));
  }

  private Speed measured(CameraSettings camera, int repeat, int threads) {
    PsfModel model = config.reduction().psfModel();
    CameraSettings settings =
        camera.withPsf(
            model == PsfModel.MOFFAT ? PsfKind.MOFFAT : PsfKind.GAUSSIAN, camera.psf().fwhm());
    SpeedField field = SpeedField.of(settings, BIASES, FLATS, progress);
    List<Speed.Step> steps = new ArrayList<>();
    try (Device device = devices.get();
        ImageReducer reducer = new ImageReducer(device, config.reduction())) {
      progress.accept("the peak of the memory on " + device.name());
      double peak = MemoryBandwidth.of(device);
      StepTraffic traffic =
          new StepTraffic(
              (double) field.science().data().width() * field.science().data().height(),
              config.reduction().passes());

      progress.accept("master bias");
      Master[] bias = new Master[1];
      MasterBuilder biases = builder(device, MasterKind.BIAS);
      steps.add(
          step(
              MASTER_BIAS,
              medians(
                  device,
                  repeat,
                  () -> {
                    try (Trace.Open masterBias = Trace.step("master bias")) {
                      bias[0] = biases.bias(field.biases());
                    }
                  }),
              traffic.masterBias(BIASES),
              peak));
      Masters masters =
          new Masters(bias[0], builder(device, MasterKind.FLAT).flat(field.flats(), bias[0]));

      progress.accept("raw frame to image, variance, mask");
      Calibration calibration = new Calibration(device, config.reduction().edge());
      Stopwatch.Seconds calibrate =
          medians(device, repeat, () -> calibration.calibrate(field.science(), masters));

      Way first;
      try (ImageReducer once = new ImageReducer(device, config.reduction().withPasses(1))) {
        first = way("one pass", device, once, field.science(), masters, repeat);
      }
      Way all = way("all passes", device, reducer, field.science(), masters, repeat);
      Reduction reduction = reducer.reduce(field.science(), masters);
      Fit fit = fit(device, reduction, repeat);
      StepTraffic once = new StepTraffic(traffic.pixels(), 1);
      steps.add(step(CALIBRATE, calibrate, traffic.calibrate(), peak));
      steps.add(
          step(
              FIRST_SKY_AND_DETECT,
              first.step("sky").and(first.step("detect")),
              once.sky() + once.detect(),
              peak));
      steps.add(step(FIRST_PSF, first.step("psf"), once.psf(), peak));
      double fitBytes = traffic.fit(fit.sweeps(), fit.stampPixels());
      steps.add(step(onePass(model), fit.seconds(), fitBytes, peak));
      double onceBytes =
          once.calibrateAlone()
              + once.sky()
              + once.detect()
              + once.psf()
              + once.allPasses(fit.stampPixels());
      steps.add(step(FIRST_WHOLE, first.whole(), onceBytes, peak));
      steps.add(step(SKY, all.step("sky"), traffic.sky(), peak));
      steps.add(step(DETECT, all.step("detect"), traffic.detect(), peak));
      steps.add(step(PSF, all.step("psf"), traffic.psf(), peak));
      double passesBytes = traffic.allPasses(fit.stampPixels());
      steps.add(step(MEASURE, all.step("measure"), passesBytes, peak));
      double bytes =
          traffic.calibrateAlone() + traffic.sky() + traffic.detect() + traffic.psf() + passesBytes;
      Stopwatch.Seconds whole = all.whole();
      steps.add(step(WHOLE, whole, bytes, peak));

      Speed.Parallel parallel = threads > 1 ? parallel(field.science(), masters, threads) : null;
      int stars = reduction.stars().count();
      return new Speed(
          device.name(),
          System.getProperty("java.version"),
          device.usesVectors(),
          reduction.image().width(),
          reduction.image().height(),
          settings.stars().count(),
          stars,
          repeat,
          peak,
          List.copyOf(steps),
          fit.sweeps(),
          stars / whole.wall(),
          traffic.pixels() / 1e6 / whole.wall(),
          parallel,
          cost(device, whole, parallel));
    }
  }

  /** Medians of the whole way, and the runs they are of. */
  private record Way(Device device, Stopwatch.Seconds whole, List<Measurement> runs) {
    /** The reducer's own times, which know nothing of the threads of OpenCL. */
    Stopwatch.Seconds step(String step) {
      return new Stopwatch.Seconds(
          device.isOpenCl()
              ? Double.NaN
              : Robust.median(
                  runs.stream().mapToDouble(run -> run.cpuSeconds().get(step)).toArray()),
          Robust.median(runs.stream().mapToDouble(run -> run.seconds().get(step)).toArray()));
    }
  }

  private Way way(
      String what,
      Device device,
      ImageReducer reducer,
      RawFrame science,
      Masters masters,
      int repeat) {
    progress.accept("whole image, %s, %d times".formatted(what, WARM_UPS + repeat));
    List<Measurement> runs = new ArrayList<>();
    Stopwatch.Seconds whole =
        medians(
            device,
            repeat,
            () -> {
              try (Trace.Open image = Trace.image("whole image, " + what)) {
                runs.add(reducer.measure(science, masters));
              }
            });
    return new Way(device, whole, List.copyOf(runs.subList(WARM_UPS, runs.size())));
  }

  private MasterBuilder builder(Device device, MasterKind kind) {
    return new MasterBuilder(device, MasterBuild.settingsOf(kind, config.masters()));
  }

  private static Speed.Step step(
      String name, Stopwatch.Seconds seconds, double bytes, double peak) {
    return new Speed.Step(
        name,
        Double.isNaN(seconds.cpu()) ? null : (Double) seconds.cpu(),
        seconds.wall(),
        bytes,
        bytes / seconds.wall() / peak);
  }

  static Stopwatch.Seconds medians(Device device, int repeat, Runnable work) {
    double[] cpu = new double[repeat];
    double[] wall = new double[repeat];
    for (int time = -WARM_UPS; time < repeat; time++) {
      Stopwatch.Seconds seconds = Stopwatch.of(device, work);
      if (time >= 0) {
        cpu[time] = seconds.cpu();
        wall[time] = seconds.wall();
      }
    }
    return new Stopwatch.Seconds(Robust.median(cpu), Robust.median(wall));
  }

  /** One pass of the fit: its time, the steps it took, and the pixels of all stamps. */
  record Fit(Stopwatch.Seconds seconds, int sweeps, double stampPixels) {}

  private Fit fit(Device device, Reduction reduction, int repeat) {
    progress.accept("one pass of the fit, %d times".formatted(WARM_UPS + repeat));
    StarFit fit = new StarFit(device, config.reduction(), reduction);
    FirstGuess guess = FirstGuess.of(reduction.stars(), reduction.stars().count());
    StarFit.Fitted[] fitted = new StarFit.Fitted[1];
    Stopwatch.Seconds seconds =
        medians(
            device,
            repeat,
            () -> {
              try (Trace.Open pass = Trace.step("one pass of the fit")) {
                fitted[0] = guess.fit(fit, reduction);
              }
            });
    double stamps = Arrays.stream(fitted[0].radius()).mapToDouble(r -> sq(2 * r + 1)).sum();
    return new Fit(seconds, fitted[0].sweeps(), stamps);
  }

  private static double sq(double value) {
    return value * value;
  }

  /** Where fits begin: the catalog's stars, off as peaks of a search are off. */
  record FirstGuess(double[] x, double[] y, float[] flux, float[] errorFlux) {
    private static final double PIXELS = 0.2;
    private static final double SHARE = 0.1;

    static FirstGuess of(Stars stars, int count) {
      Random random = new Random(1);
      FirstGuess guess =
          new FirstGuess(
              Arrays.copyOf(stars.x(), count),
              Arrays.copyOf(stars.y(), count),
              Arrays.copyOf(stars.flux(), count),
              Arrays.copyOf(stars.fluxErr(), count));
      for (int i = 0; i < count; i++) {
        guess.x[i] += PIXELS * random.nextGaussian();
        guess.y[i] += PIXELS * random.nextGaussian();
        guess.flux[i] *= (float) (1 + SHARE * random.nextGaussian());
      }
      return guess;
    }

    StarFit.Fitted fit(StarFit fit, Reduction reduction) {
      return fit.fit(reduction.psf(), x, y, flux, errorFlux);
    }
  }

  /** Images at once against images one after the other, in turns; medians. */
  private Speed.Parallel parallel(RawFrame science, Masters masters, int threads) {
    double[] one = new double[ROUNDS];
    double[] many = new double[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      progress.accept("%d images at once, round %d of %d".formatted(threads, round + 1, ROUNDS));
      one[round] = imagesPerSecond(science, masters, 1);
      many[round] = imagesPerSecond(science, masters, threads);
    }
    double alone = Robust.median(one);
    double together = Robust.median(many);
    return new Speed.Parallel(threads, together, alone, together / alone);
  }

  private double imagesPerSecond(RawFrame science, Masters masters, int threads) {
    CountDownLatch warm = new CountDownLatch(threads);
    AtomicLong start = new AtomicLong();
    AtomicInteger cores = new AtomicInteger();
    Callable<Long> work =
        () -> {
          try (Device device = devices.get();
              ImageReducer reducer = new ImageReducer(device, config.reduction())) {
            try {
              // Its planes are allocated before the clock starts.
              reducer.measure(science, masters);
            } finally {
              warm.countDown();
            }
            warm.await();
            start.compareAndSet(0, System.nanoTime());
            return trace.record(
                new Track("starmill bench", "core " + cores.getAndIncrement()),
                "images at once",
                () -> {
                  for (int image = 0; image < IMAGES_A_ROUND; image++) {
                    reducer.measure(science, masters);
                  }
                  return System.nanoTime();
                });
          }
        };
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Long>> ends = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        ends.add(pool.submit(work));
      }
      long last = Long.MIN_VALUE;
      for (Future<Long> end : ends) {
        last = Math.max(last, end.get());
      }
      return 1e9 * threads * IMAGES_A_ROUND / (last - start.get());
    } catch (ExecutionException failed) {
      throw failed.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException(failed.getCause());
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("the bench was interrupted", stopped);
    } finally {
      pool.shutdownNow();
    }
  }

  private static Speed.Cost cost(Device device, Stopwatch.Seconds whole, Speed.Parallel parallel) {
    if (device.isOpenCl()) {
      double seconds = parallel == null ? whole.wall() : 1 / parallel.imagesPerSecond();
      return new Speed.Cost(SURVEY, "device-years", SURVEY * seconds / SECONDS_A_YEAR);
    }
    double seconds =
        parallel == null ? whole.cpu() : parallel.threads() / parallel.imagesPerSecond();
    return new Speed.Cost(SURVEY, "core-years", SURVEY * seconds / SECONDS_A_YEAR);
  }
}

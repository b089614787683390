package org.starmill.check;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.MasterSettings;
import org.starmill.calibrate.Masters;
import org.starmill.device.Device;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;
import org.starmill.device.KernelCheck;
import org.starmill.device.SelfCheck;
import org.starmill.image.RawFrame;
import org.starmill.measure.ImageReducer;
import org.starmill.measure.Measurement;
import org.starmill.measure.ReductionSettings;

/**
 * Lists the devices of a machine, checks every kernel on each, and times a whole image there.
 *
 * <p>Prints JSON; what it is doing goes to stderr. Needs this jar and Aparapi, and no OpenCL: then
 * the Java device is all there is.
 */
public final class GpuCheck {
  /** All kernels agree. */
  static final int PASSED = 0;

  /** Some kernel failed, or gave something else than Java does. */
  static final int FAILED = 1;

  /** The command line is wrong. */
  static final int WRONG_USAGE = 2;

  private static final String USAGE =
      """
      Usage: gpu-check [--stars N] [--size WIDTHxHEIGHT] [--repeat N] [--threads N] [--items N]
      Checks every kernel on every device of this machine against plain Java, times a whole image on
      each, and prints both as JSON on stdout.
        --stars N            stars of the image that is timed; default 20000, 0 for no image
        --size WIDTHxHEIGHT  its pixels; default 3072x3080
        --repeat N           times it is measured after one that warms up; default 5
        --threads N          threads of the Java device; default 1
        --items N            items that each kernel is checked and timed with; default 65537
      Exit code: 0 all kernels agree, 1 some do not or fail, 2 wrong usage.
      """;

  private record Options(int stars, int width, int height, int repeat, int threads, int items) {}

  /** How a kernel did: over all numbers of items the worst, of the most items the times. */
  record Kernel(
      String kernel,
      boolean passed,
      double largestDifference,
      double tolerance,
      int items,
      double seconds,
      double scalarJavaSeconds,
      String problem) {}

  /** Medians over the repetitions. */
  record WholeImage(
      int width,
      int height,
      int starsFound,
      double seconds,
      double cpuSeconds,
      Map<String, Double> secondsOfSteps,
      Map<String, Double> cpuSecondsOfSteps,
      double secondsOfMasters,
      String problem) {}

  record Checked(
      String device,
      String name,
      String vendor,
      String version,
      long memoryBytes,
      int computeUnits,
      boolean vectorApi,
      boolean passed,
      List<Kernel> kernels,
      WholeImage image) {}

  record Report(String java, String system, int processors, String openCl, List<Checked> devices) {}

  private final Options options;
  private final PrintStream progress;

  private GpuCheck(Options options, PrintStream progress) {
    this.options = options;
    this.progress = progress;
  }

  public static void main(String[] arguments) {
    System.exit(run(arguments, System.out, System.err));
  }

  static int run(String[] arguments, PrintStream out, PrintStream err) {
    if (Arrays.asList(arguments).contains("--help")) {
      out.print(USAGE);
      return PASSED;
    }
    Options options;
    try {
      options = parse(arguments);
    } catch (IllegalArgumentException wrong) {
      err.println("gpu-check: " + wrong.getMessage());
      return WRONG_USAGE;
    }
    Report report = new GpuCheck(options, err).report();
    out.println(JsonText.of(report));
    return report.devices().stream().allMatch(Checked::passed) ? PASSED : FAILED;
  }

  private static Options parse(String[] arguments) {
    Map<String, String> given = new LinkedHashMap<>();
    given.put("--stars", "20000");
    given.put("--size", "3072x3080");
    given.put("--repeat", "5");
    given.put("--threads", "1");
    given.put("--items", "65537");
    for (int i = 0; i < arguments.length; i += 2) {
      if (!given.containsKey(arguments[i])) {
        throw new IllegalArgumentException(
            "unknown option '%s'; expected %s or --help"
                .formatted(arguments[i], String.join(", ", given.keySet())));
      }
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException("%s has no value".formatted(arguments[i]));
      }
      given.put(arguments[i], arguments[i + 1]);
    }
    String size = given.get("--size");
    if (!size.matches("\\d{2,5}x\\d{2,5}")) {
      throw new IllegalArgumentException(
          "--size %s: expected WIDTHxHEIGHT in pixels, as 3072x3080".formatted(size));
    }
    String[] sides = size.split("x");
    return new Options(
        number(given, "--stars", 0),
        Integer.parseInt(sides[0]),
        Integer.parseInt(sides[1]),
        number(given, "--repeat", 1),
        number(given, "--threads", 1),
        number(given, "--items", 1));
  }

  private static int number(Map<String, String> given, String option, int least) {
    String text = given.get(option);
    if (!text.matches("\\d{1,7}") || Integer.parseInt(text) < least) {
      throw new IllegalArgumentException(
          "%s %s: expected a whole number from %d to 9999999".formatted(option, text, least));
    }
    return Integer.parseInt(text);
  }

  private Report report() {
    List<Checked> checked = new ArrayList<>();
    for (DeviceInfo info : Devices.list()) {
      progress.printf("gpu-check: %s \"%s\"%n", info.kind().word(), info.name());
      checked.add(check(info));
    }
    String advice = Devices.adviceWithoutOpenCl();
    return new Report(
        "%s (%s)".formatted(Runtime.version(), System.getProperty("java.vendor")),
        "%s %s, %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")),
        Runtime.getRuntime().availableProcessors(),
        advice == null ? "found" : advice,
        checked);
  }

  private Checked check(DeviceInfo info) {
    try (Device device = Devices.open(info, options.threads())) {
      List<Kernel> kernels = new ArrayList<>();
      for (KernelCheck<?> check : SelfCheck.ofAllKernels().checks()) {
        kernels.add(check(check, device));
      }
      WholeImage image = options.stars() == 0 ? null : image(device);
      boolean passed =
          kernels.stream().allMatch(Kernel::passed) && (image == null || image.problem() == null);
      return new Checked(
          info.kind().word(),
          info.name(),
          info.vendor(),
          info.version(),
          info.memoryBytes(),
          info.computeUnits(),
          device.usesVectors(),
          passed,
          kernels,
          image);
    }
  }

  private Kernel check(KernelCheck<?> check, Device device) {
    double largest = 0;
    String problem = null;
    SelfCheck.Outcome outcome = null;
    for (int items : new int[] {1, 61, options.items()}) {
      outcome = SelfCheck.run(check, items, items, device);
      largest = Math.max(largest, outcome.largestDifference());
      if (problem == null && !outcome.passed()) {
        problem = "%d items, %s".formatted(items, outcome.failure());
      }
    }
    return new Kernel(
        check.name(),
        problem == null,
        largest,
        outcome.tolerance(),
        outcome.items(),
        outcome.seconds(),
        outcome.scalarSeconds(),
        problem);
  }

  private WholeImage image(Device device) {
    progress.printf(
        "gpu-check: an image of %d x %d pixels with %d stars, %d times%n",
        options.width(), options.height(), options.stars(), options.repeat());
    DrawnField field = new DrawnField(options.width(), options.height(), options.stars(), 1);
    List<RawFrame> biases = field.biases(3);
    List<RawFrame> flats = field.flats(3);
    RawFrame frame = field.science();
    List<Measurement> reductions = new ArrayList<>();
    double secondsOfMasters = Double.NaN;
    String problem = null;
    try (ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      MasterBuilder builder = new MasterBuilder(device, MasterSettings.DEFAULT);
      long start = System.nanoTime();
      Master bias = builder.bias(biases);
      Masters masters = new Masters(bias, builder.flat(flats, bias));
      secondsOfMasters = (System.nanoTime() - start) * 1e-9;
      for (int i = 0; i <= options.repeat(); i++) {
        reductions.add(reducer.measure(frame, masters));
      }
    } catch (RuntimeException failed) {
      problem = "" + failed.getMessage();
    }
    List<Measurement> warm = reductions.subList(Math.min(1, reductions.size()), reductions.size());
    Map<String, Double> seconds = new LinkedHashMap<>();
    Map<String, Double> cpuSeconds = new LinkedHashMap<>();
    for (String step : List.of("calibrate", "sky", "detect", "psf", "measure")) {
      seconds.put(step, median(warm.stream().map(one -> one.seconds().get(step)).toList()));
      cpuSeconds.put(step, median(warm.stream().map(one -> one.cpuSeconds().get(step)).toList()));
    }
    return new WholeImage(
        options.width(),
        options.height(),
        warm.isEmpty() ? 0 : warm.get(0).stars().count(),
        median(warm.stream().map(one -> sum(one.seconds())).toList()),
        median(warm.stream().map(one -> sum(one.cpuSeconds())).toList()),
        seconds,
        cpuSeconds,
        secondsOfMasters,
        problem);
  }

  private static double sum(Map<String, Double> seconds) {
    return seconds.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }
}

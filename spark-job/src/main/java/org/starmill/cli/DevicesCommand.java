package org.starmill.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.starmill.device.Device;
import org.starmill.device.DeviceException;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;
import org.starmill.device.KernelCheck;
import org.starmill.device.SelfCheck;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists what kernels can run on here, and checks that every kernel runs right there. */
@Command(
    name = "devices",
    mixinStandardHelpOptions = true,
    description = {
      "Lists the OpenCL devices and the Java device of this machine, and runs every kernel on each"
          + " with random input: what it gives must be what its scalar source gives in plain Java.",
      "Ends with 1 where a kernel fails or differs."
    },
    footer = {"", "Example:", "  starmill devices"})
final class DevicesCommand implements Callable<Integer> {
  @Option(names = "--json", description = "Print the devices as JSON.")
  boolean json;

  @Option(
      names = "--spark",
      description = {
        "Print the numbers of the GPUs as Spark's discovery of resources reads them, and check"
            + " nothing."
      })
  boolean spark;

  @Spec CommandSpec spec;

  /** What Spark expects of a discovery script. */
  record Resource(String name, List<String> addresses) {}

  /**
   * How a kernel did on a device: over all numbers of items the worst, of the most items the times;
   * null where it did not run.
   */
  record Kernel(
      String kernel,
      int items,
      Double largestDifference,
      double tolerance,
      Double seconds,
      Double scalarJavaSeconds,
      boolean passed,
      String problem) {}

  /** A device with how its check ended; the problem is null where it passed. */
  record Checked(
      String device,
      String name,
      String vendor,
      long memoryBytes,
      int computeUnits,
      String version,
      boolean passed,
      String problem,
      List<Kernel> kernels) {}

  @Override
  public Integer call() {
    if (spark) {
      spec.commandLine().getOut().println(Json.of(gpus(Devices.list())));
      spec.commandLine().getOut().flush();
      return 0;
    }
    List<Checked> checked = new ArrayList<>();
    for (DeviceInfo info : Devices.list()) {
      checked.add(check(info));
    }
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? Json.of(checked) + System.lineSeparator() : tables(checked));
    out.flush();
    String advice = Devices.adviceWithoutOpenCl();
    if (advice != null) {
      spec.commandLine().getErr().println("starmill: " + advice);
      spec.commandLine().getErr().flush();
    }
    return checked.stream().allMatch(Checked::passed) ? 0 : Starmill.INTERNAL_ERROR;
  }

  /** The GPUs by the numbers that {@link Devices#choose} takes. */
  static Resource gpus(List<DeviceInfo> devices) {
    long gpus = devices.stream().filter(info -> info.kind() == DeviceInfo.Kind.GPU).count();
    return new Resource("gpu", LongStream.range(0, gpus).mapToObj(Long::toString).toList());
  }

  private static Checked check(DeviceInfo info) {
    List<Kernel> kernels = new ArrayList<>();
    String problem = null;
    try (Device device = Devices.open(info, Runtime.getRuntime().availableProcessors())) {
      for (KernelCheck<?> check : SelfCheck.ofAllKernels().checks()) {
        kernels.add(check(check, device));
      }
      long failed = kernels.stream().filter(kernel -> !kernel.passed()).count();
      if (failed > 0) {
        problem = "%d of %d kernels failed".formatted(failed, kernels.size());
      }
    } catch (DeviceException failure) {
      problem = failure.getMessage();
    }
    return new Checked(
        info.kind().word(),
        info.name(),
        info.vendor(),
        info.memoryBytes(),
        info.computeUnits(),
        info.version(),
        problem == null,
        problem,
        kernels);
  }

  private static Kernel check(KernelCheck<?> check, Device device) {
    double largest = 0;
    String problem = null;
    SelfCheck.Outcome outcome = null;
    for (int items : SelfCheck.SIZES) {
      outcome = SelfCheck.run(check, items, items, device);
      largest = Math.max(largest, outcome.largestDifference());
      if (problem == null && !outcome.passed()) {
        problem = "%d items, %s".formatted(items, outcome.failure());
      }
    }
    return new Kernel(
        check.name(),
        outcome.items(),
        number(largest),
        outcome.tolerance(),
        number(outcome.seconds()),
        number(outcome.scalarSeconds()),
        problem == null,
        problem);
  }

  private static Double number(double value) {
    return Double.isFinite(value) ? value : null;
  }

  private static String tables(List<Checked> devices) {
    List<String[]> found = new ArrayList<>();
    found.add(new String[] {"--device", "name", "units", "GB", "version", "self-check"});
    List<String[]> checks = new ArrayList<>();
    checks.add(
        new String[] {"--device", "kernel", "difference", "allowed", "ms", "scalar Java ms", ""});
    for (Checked device : devices) {
      found.add(
          new String[] {
            device.device(),
            device.name(),
            "" + device.computeUnits(),
            String.format(Locale.ROOT, "%.1f", device.memoryBytes() / 1e9),
            device.version(),
            device.passed() ? "passed" : "FAILED: " + device.problem()
          });
      for (Kernel kernel : device.kernels()) {
        checks.add(
            new String[] {
              device.device(),
              kernel.kernel(),
              text("%.1e", kernel.largestDifference(), 1),
              text("%.1e", kernel.tolerance(), 1),
              text("%.2f", kernel.seconds(), 1e3),
              text("%.2f", kernel.scalarJavaSeconds(), 1e3),
              kernel.passed() ? "passed" : "FAILED: " + kernel.problem()
            });
      }
    }
    return Tables.columns(found) + System.lineSeparator() + Tables.columns(checks);
  }

  private static String text(String format, Double value, double unit) {
    return value == null ? "" : String.format(Locale.ROOT, format, value * unit);
  }
}

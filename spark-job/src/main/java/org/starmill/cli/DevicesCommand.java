package org.starmill.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.starmill.device.Device;
import org.starmill.device.DeviceException;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;
import org.starmill.device.SelfCheck;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists what kernels can run on here, and checks that they run right. */
@Command(
    name = "devices",
    mixinStandardHelpOptions = true,
    description = {
      "Lists the OpenCL devices and the Java device of this machine, and runs test kernels on each:"
          + " what they give must be what Java gives."
    },
    footer = {"", "Example:", "  starmill devices"})
final class DevicesCommand implements Callable<Integer> {
  @Option(names = "--json", description = "Print the devices as JSON.")
  boolean json;

  @Spec CommandSpec spec;

  /** A device with how its check ended: null where it passed. */
  record Checked(
      String device,
      String name,
      String vendor,
      long memoryBytes,
      int computeUnits,
      String version,
      boolean passed,
      String problem) {}

  @Override
  public Integer call() {
    List<Checked> checked = new ArrayList<>();
    for (DeviceInfo info : Devices.list()) {
      String problem = check(info);
      checked.add(
          new Checked(
              info.kind().word(),
              info.name(),
              info.vendor(),
              info.memoryBytes(),
              info.computeUnits(),
              info.version(),
              problem == null,
              problem));
    }
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? Json.of(checked) + System.lineSeparator() : table(checked));
    out.flush();
    return checked.stream().allMatch(Checked::passed) ? 0 : Starmill.INTERNAL_ERROR;
  }

  private static String check(DeviceInfo info) {
    try (Device device = Devices.open(info, Runtime.getRuntime().availableProcessors())) {
      List<String> failed = new ArrayList<>();
      for (SelfCheck.Outcome outcome : SelfCheck.builtIn().run(device)) {
        if (!outcome.passed()) {
          failed.add(
              "%s of %d items: %s".formatted(outcome.check(), outcome.items(), outcome.failure()));
        }
      }
      return failed.isEmpty() ? null : String.join("; ", failed);
    } catch (DeviceException failure) {
      return failure.getMessage();
    }
  }

  private static String table(List<Checked> devices) {
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"--device", "name", "units", "GB", "version", "self-check"});
    for (Checked device : devices) {
      rows.add(
          new String[] {
            device.device(),
            device.name(),
            "" + device.computeUnits(),
            String.format(Locale.ROOT, "%.1f", device.memoryBytes() / 1e9),
            device.version(),
            device.passed() ? "passed" : "FAILED: " + device.problem()
          });
    }
    return Tables.columns(rows);
  }
}

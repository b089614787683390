package org.starmill.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.starmill.bench.Baseline;
import org.starmill.bench.BaselineBench;
import org.starmill.bench.Speed;
import org.starmill.bench.SpeedBench;
import org.starmill.campaign.Refused;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.ImageRejected;
import org.starmill.sample.CameraSettings;
import org.starmill.trace.TraceFile;
import org.starmill.trace.Track;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how fast images become stars on a device, step by step. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measures Starmill itself: simulates frames in memory, reduces the whole image several times",
      "and prints medians of the CPU and wall seconds of each step, the share of the memory's",
      "bandwidth, and what 50 million such images would cost. Masters are made of 20 bias and 5",
      "flat frames; reading, decoding and writing are not in it. bench accuracy compares catalogs",
      "of simulated fields with the truth."
    },
    synopsisSubcommandLabel = "[accuracy]",
    subcommands = AccuracyCommand.class,
    footer = {
      "",
      "Example:",
      "  starmill bench --device java",
      "  starmill bench --device java --threads 2 --json",
      "  starmill bench --baseline --plot time.png",
      "  starmill bench accuracy --stars 60000 --out accuracy",
      "",
      "Exit code 3: a field could not become stars; the last line on stderr says why."
    })
final class BenchCommand implements Callable<Integer> {
  @Option(
      names = "--stars",
      paramLabel = "N",
      defaultValue = "20000",
      description = "Stars on the frame; 20000 without this option.")
  int stars;

  @Mixin CampaignOptions.SettingOptions settings;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Reduce N images at once too, each on one thread, and compare with one at a time.")
  int threads;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "5",
      description = "Runs that medians are taken over, after two that warm up; 5 without.")
  int repeat;

  @Option(
      names = "--size",
      paramLabel = "WxH",
      description = "Columns and rows that see light; 3072x3080 without this option.")
  String size;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Number that the frames follow from; 1 without this option.")
  long seed;

  @Option(
      names = "--baseline",
      description = {
        "Compare the fit with Hipparchus' Levenberg-Marquardt, star by star, in the place of the"
            + " steps: time a star and agreement of the fluxes, Gaussian and Moffat."
      })
  boolean baseline;

  @Option(
      names = "--plot",
      paramLabel = "FILE.png",
      description =
          "With --baseline: time against number of stars, 100 to 100,000, on each device there is.")
  Path plot;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description = "Write what was done when to a local file, for ui.perfetto.dev.")
  Path trace;

  @Option(names = "--json", description = "Print the result as JSON.")
  boolean json;

  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (plot != null) {
      refuseUnlessDrawn();
    }
    CampaignConfig config = settings.config();
    CameraSettings camera = camera();
    Supplier<Device> devices =
        () -> Devices.choose(config.device().name(), 1, config.device().mostBytes());
    PrintWriter printed = spec.commandLine().getOut();
    // The file first: with it OpenCL is asked for the times of its transfers.
    try (TraceFile recorded = traceFile(trace)) {
      // Found, or refused, before the frames are simulated.
      devices.get().close();
      Object result;
      String table;
      if (baseline) {
        Baseline compared =
            recorded.record(
                new Track("starmill bench", "main"),
                "baseline",
                () -> compared(config, devices, camera));
        result = compared;
        table = SpeedTables.of(compared);
      } else {
        Speed speed =
            new SpeedBench(config, devices, this::say, recorded).run(camera, repeat, threads);
        result = speed;
        table = SpeedTables.of(speed);
      }
      printed.print(json ? Json.of(result) + System.lineSeparator() : table);
      printed.flush();
      return 0;
    } catch (ImageRejected rejected) {
      say(rejected.getMessage());
      return Starmill.SOME_IMAGE_FAILED;
    }
  }

  private Baseline compared(CampaignConfig config, Supplier<Device> devices, CameraSettings camera)
      throws IOException {
    Baseline compared =
        new BaselineBench(config.reduction(), devices, this::say).run(camera, plot != null);
    if (plot != null) {
      BaselineBench.plot(compared, plot);
      say("written " + plot);
    }
    return compared;
  }

  /**
   * Opens the file of --trace.
   *
   * @param path null for none
   */
  static TraceFile traceFile(Path path) {
    try {
      return path == null ? TraceFile.off() : new TraceFile(path);
    } catch (IOException e) {
      throw new Refused(
          "--trace %s cannot be written: %s; give another file".formatted(path, e.getMessage()), e);
    }
  }

  private void say(String what) {
    spec.commandLine().getErr().println("starmill: " + what);
    spec.commandLine().getErr().flush();
  }

  private void refuseUnlessDrawn() {
    if (!baseline) {
      throw new Refused("--plot %s: expected --baseline with it, which is drawn".formatted(plot));
    }
    Path folder = plot.toAbsolutePath().getParent();
    if (!plot.toString().endsWith(".png") || !Files.isWritable(folder)) {
      throw new Refused(
          "--plot %s: expected a name that ends in .png, in a folder that can be written to"
              .formatted(plot));
    }
  }

  private CameraSettings camera() {
    requireAtLeastOne("--repeat", repeat);
    requireAtLeastOne("--threads", threads);
    try {
      CameraSettings camera = CameraSettings.ztfLike().withSeed(seed);
      return (size == null ? camera : SimulateCommand.sized(camera, size)).withStars(stars);
    } catch (IllegalArgumentException wrong) {
      throw new Refused(wrong.getMessage(), wrong);
    }
  }

  private static void requireAtLeastOne(String option, int value) {
    if (value < 1) {
      throw new Refused("%s %d: expected at least 1".formatted(option, value));
    }
  }
}

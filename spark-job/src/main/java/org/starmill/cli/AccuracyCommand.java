package org.starmill.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.starmill.bench.Accuracy;
import org.starmill.bench.AccuracyBench;
import org.starmill.campaign.Refused;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.ImageRejected;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says how near the catalogs of simulated fields come to the truth. */
@Command(
    name = "accuracy",
    mixinStandardHelpOptions = true,
    description = {
      "Simulates fields, reduces them and compares the catalogs with the truth: completeness,",
      "purity, bias, scatter, pulls, by magnitude, for isolated and for crowded stars."
    },
    footer = {
      "",
      "Example:",
      "  starmill bench accuracy --stars 60000 --threads 1 --repeat 3 --out accuracy",
      "",
      "Exit code 3: a field could not become stars; the last line on stderr says why."
    })
final class AccuracyCommand implements Callable<Integer> {
  @Option(
      names = "--stars",
      paramLabel = "N,N",
      split = ",",
      defaultValue = "2000,20000,60000",
      description = "Stars on a frame, a field each; 2000,20000,60000 without this option.")
  List<Integer> stars;

  @Option(
      names = "--seeds",
      paramLabel = "N,N",
      split = ",",
      defaultValue = "1",
      description = "Numbers that fields follow from, taken together; 1 without this option.")
  List<Long> seeds;

  @Option(
      names = "--size",
      paramLabel = "WxH",
      description = "Columns and rows that see light; 3072x3080 without this option.")
  String size;

  @Option(
      names = "--psf",
      paramLabel = "KIND",
      defaultValue = "moffat",
      description =
          "Shape of the stars: moffat, gaussian, or coma, which is neither; moffat without this option.")
  String psf;

  @Option(
      names = "--fwhm",
      paramLabel = "PIXELS",
      description = "Full width at half maximum of the stars; 2 without this option.")
  Double fwhm;

  @Option(
      names = "--cosmic-rays",
      paramLabel = "N",
      description = "Cosmic rays on a frame; 60 on one of full size without this option.")
  Integer cosmicRays;

  @Option(
      names = "--trails",
      paramLabel = "N",
      defaultValue = "0",
      description = "Satellites that draw a trail over a frame; none without this option.")
  int trails;

  @Option(
      names = "--zero-point",
      description =
          "Divide a frame's fluxes by the median of flux / truth of its isolated stars above S/N 50.")
  boolean zeroPoint;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the Java device; all cores without this option.")
  Integer threads;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Reduce each field N times; CPU seconds are the median without the first, the warm-up.")
  int repeat;

  @Mixin CampaignOptions.SettingOptions settings;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      converter = ReduceCommand.LocalFolder.class,
      description = "Local folder for the plots (PNG).")
  Path out;

  @Option(names = "--csv", description = "Write all stars into that folder as well, as CSV.")
  boolean csv;

  @Option(names = "--json", description = "Print the result as JSON.")
  boolean json;

  @Spec CommandSpec spec;

  /** What is printed as JSON. */
  record Outcome(String device, List<Long> seeds, List<Accuracy> fields) {}

  @Override
  public Integer call() throws IOException {
    if (repeat < 1) {
      throw new Refused("--repeat %d: expected at least 1".formatted(repeat));
    }
    CampaignConfig config = settings.config();
    int workers = threads != null ? threads : Runtime.getRuntime().availableProcessors();
    if (workers < 1) {
      throw new Refused("--threads %d: expected at least 1".formatted(workers));
    }
    CameraSettings camera = camera();
    if (out != null) {
      ReduceCommand.requireWritable(out);
    } else if (csv) {
      throw new Refused("--csv: expected a folder to write to; give one with --out");
    }
    PrintWriter printed = spec.commandLine().getOut();
    try (Device device =
        Devices.choose(config.device().name(), workers, config.device().mostBytes())) {
      AccuracyBench bench =
          new AccuracyBench(
              config,
              device,
              zeroPoint,
              what -> {
                spec.commandLine().getErr().println("starmill: " + what);
                spec.commandLine().getErr().flush();
              });
      for (long seed : seeds) {
        bench.run(camera.withSeed(seed), stars, repeat);
      }
      List<Accuracy> figures = bench.figures();
      printed.print(
          json
              ? Json.of(new Outcome(device.name(), seeds, figures)) + System.lineSeparator()
              : AccuracyTables.of(figures, device.name()));
      if (out != null) {
        for (Path file : bench.write(out, csv)) {
          spec.commandLine().getErr().println("starmill: written " + file);
        }
        spec.commandLine().getErr().flush();
      }
      printed.flush();
    } catch (ImageRejected rejected) {
      // The line of the field stands before it.
      spec.commandLine().getErr().println("starmill: " + rejected.getMessage());
      spec.commandLine().getErr().flush();
      return Starmill.SOME_IMAGE_FAILED;
    }
    return 0;
  }

  private CameraSettings camera() {
    try {
      CameraSettings camera = CameraSettings.ztfLike();
      if (size != null) {
        camera = SimulateCommand.sized(camera, size);
      }
      if (cosmicRays != null) {
        camera = camera.withCosmicRays(cosmicRays);
      }
      for (int count : stars) {
        camera.withStars(count);
      }
      return camera.withTrails(trails).withPsf(kind(), fwhm == null ? camera.psf().fwhm() : fwhm);
    } catch (IllegalArgumentException wrong) {
      throw new Refused(wrong.getMessage(), wrong);
    }
  }

  private PsfKind kind() {
    for (PsfKind kind : PsfKind.values()) {
      if (kind.name().toLowerCase(Locale.ROOT).equals(psf)) {
        return kind;
      }
    }
    throw new Refused("--psf %s: expected moffat, gaussian or coma".formatted(psf));
  }
}

package org.starmill.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.starmill.campaign.Refused;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.Simulation;
import org.starmill.sample.SimulationSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes the frames of a simulated night, and the truth behind them. */
@Command(
    name = "simulate",
    mixinStandardHelpOptions = true,
    description = {
      "Writes bias, flat and science frames of a simulated camera, and the true stars of each"
          + " science frame as Parquet in DIR/truth."
    },
    footer = {
      "",
      "Example:",
      "  starmill simulate --out frames --images 4 --stars 20000 --seed 7",
      "  starmill run --input frames --output catalog"
    })
final class SimulateCommand implements Callable<Integer> {
  /** What files can be compressed by. */
  enum Compression {
    rice
  }

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder for the frames: new or empty.")
  Path out;

  @Option(
      names = "--images",
      paramLabel = "N",
      defaultValue = "4",
      description = "Science frames; 4 without this option.")
  int images;

  @Option(
      names = "--stars",
      paramLabel = "N",
      defaultValue = "20000",
      description = "Stars on a frame, as 2000, 20000 or 60000; 20000 without this option.")
  int stars;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Number that all frames follow from; 1 without this option.")
  long seed;

  @Option(
      names = "--bias",
      paramLabel = "N",
      defaultValue = "10",
      description = "Bias frames; 10 without this option.")
  int biases;

  @Option(
      names = "--flats",
      paramLabel = "N",
      defaultValue = "10",
      description = "Flat frames; 10 without this option.")
  int flats;

  @Option(
      names = "--size",
      paramLabel = "WxH",
      description = "Columns and rows that see light; 3072x3080 without this option.")
  String size;

  @Option(
      names = "--compress",
      paramLabel = "rice",
      description = "Tile-compress the files by RICE_1: .fits.fz.")
  Compression compression;

  @Option(names = "--mosaic", description = "Four quadrants a file, in four extensions.")
  boolean mosaic;

  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    List<Path> written = write(out, settings(), System.err);
    spec.commandLine().getOut().printf("%d frames in %s%n", written.size(), out);
    spec.commandLine().getOut().flush();
    return 0;
  }

  private SimulationSettings settings() {
    try {
      CameraSettings camera = CameraSettings.ztfLike().withSeed(seed);
      if (size != null) {
        camera = sized(camera, size);
      }
      return SimulationSettings.of(camera.withStars(stars), images)
          .withCalibrations(biases, flats)
          .withRice(compression == Compression.rice)
          .withMosaic(mosaic);
    } catch (IllegalArgumentException wrong) {
      throw new Refused(wrong.getMessage(), wrong);
    }
  }

  /** The camera with another size, as the words of --size tell it. */
  static CameraSettings sized(CameraSettings camera, String size) {
    if (!size.matches("\\d{1,5}x\\d{1,5}")) {
      throw new Refused("--size %s: expected columns x rows, such as 1024x1024".formatted(size));
    }
    int x = size.indexOf('x');
    return camera.withSize(
        Integer.parseInt(size.substring(0, x)), Integer.parseInt(size.substring(x + 1)));
  }

  /** Writes frames, telling of each. */
  static List<Path> write(Path out, SimulationSettings settings, PrintStream errors)
      throws IOException {
    try {
      return Simulation.write(
          out,
          settings,
          (file, done, total) -> {
            errors.printf("starmill: %d of %d frames, %s%n", done, total, file.getFileName());
            errors.flush();
          });
    } catch (IllegalArgumentException wrong) {
      throw new Refused(wrong.getMessage(), wrong);
    }
  }
}

package org.starmill.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.Masters;
import org.starmill.campaign.Campaign;
import org.starmill.campaign.CampaignRequest;
import org.starmill.campaign.CampaignRun;
import org.starmill.campaign.Refused;
import org.starmill.campaign.SparkSessions;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.fits.FitsImage;
import org.starmill.fits.FrameReader;
import org.starmill.instrument.FrameFacts;
import org.starmill.instrument.Instrument;
import org.starmill.masters.MasterBuild;
import org.starmill.masters.MasterCache;
import org.starmill.measure.ImageReducer;
import org.starmill.measure.Reduction;
import org.starmill.report.ImagePicture;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.SimulationSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows the whole way on simulated frames: simulates, runs, compares with the truth, draws. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Simulates a small night, reduces it, compares the catalog with the truth, and draws the first"
          + " image. Takes about a minute on two cores; a second demo begins anew."
    },
    footer = {"", "Example:", "  starmill demo", "  starmill demo --out /tmp/demo --stars 20000"})
final class DemoCommand implements Callable<Integer> {
  private static final String MARK = ".starmill-demo";
  private static final int IMAGES = 4;
  private static final int CALIBRATIONS = 5;
  private static final int SIDE = 1536;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "starmill-demo",
      description = "Folder for everything; ./starmill-demo without this option.")
  Path out;

  @Option(
      names = "--stars",
      paramLabel = "N",
      defaultValue = "5000",
      description = "Stars on each of the frames of 1536 x 1536 pixels; 5000 without this option.")
  int stars;

  @Mixin CampaignOptions.SettingOptions settings;

  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    CampaignConfig config = settings.config();
    Instrument instrument = Instrument.load(config.instrument());
    SimulationSettings night = night();
    clear();
    Path frames = out.resolve("frames");
    Path catalog = out.resolve("catalog");
    SimulateCommand.write(frames, night, System.err);
    SparkSession spark = SparkSessions.open();
    try {
      Tally tally = new Tally(System.err);
      CampaignRequest request =
          new CampaignRequest(
              List.of("file:" + frames.toAbsolutePath()),
              "file:" + catalog.toAbsolutePath(),
              null,
              config,
              instrument);
      Campaign campaign = new CampaignRun(spark, request, tally).run();
      PrintWriter printed = spec.commandLine().getOut();
      printed.print(tally.table(catalog.toString()).text());
      printed.print(TruthComparison.of(spark, frames, catalog).text());
      Path picture = out.resolve("first-image.png");
      draw(spark, campaign, config, instrument, picture);
      printed.printf("picture of the first image: %s%n", picture);
      printed.flush();
      return tally.images() == IMAGES ? 0 : Starmill.INTERNAL_ERROR;
    } finally {
      spark.stop();
    }
  }

  private SimulationSettings night() {
    try {
      return SimulationSettings.of(
              CameraSettings.ztfLike().withSize(SIDE, SIDE).withStars(stars), IMAGES)
          .withCalibrations(CALIBRATIONS, CALIBRATIONS);
    } catch (IllegalArgumentException wrong) {
      throw new Refused("--stars %d: %s".formatted(stars, wrong.getMessage()), wrong);
    }
  }

  /** Removes what an earlier demo left, and only that. */
  private void clear() throws IOException {
    Path mark = out.resolve(MARK);
    if (Files.exists(out) && !Files.exists(mark)) {
      throw new Refused(
          "--out %s exists and is not from an earlier demo; give another --out".formatted(out));
    }
    for (String name : List.of("frames", "catalog")) {
      Path folder = out.resolve(name);
      if (Files.exists(folder)) {
        try (Stream<Path> files = Files.walk(folder)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(file);
          }
        }
      }
    }
    Files.createDirectories(out);
    Files.writeString(mark, "made by starmill demo, which removes it when it begins anew\n");
  }

  /** Reduces the first image again, since a campaign keeps no pixels, and draws it. */
  private static void draw(
      SparkSession spark,
      Campaign campaign,
      CampaignConfig config,
      Instrument instrument,
      Path picture)
      throws IOException {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    Row first =
        spark
            .read()
            .parquet(campaign.exposures().toString())
            .filter("n_stars is not null")
            .orderBy("exposure_id")
            .select("path", "hdu", "bias_id", "flat_id", "n_stars", "psf_fwhm")
            .head();
    String path = first.getString(0);
    FitsImage raw = new FrameReader(hadoop).read(path, first.getInt(1));
    FrameFacts facts =
        instrument.describe(path, first.getInt(1), raw.width(), raw.height(), raw.header());
    Master bias = master(campaign, first.getString(2), hadoop);
    Master flat = first.isNullAt(3) ? null : master(campaign, first.getString(3), hadoop);
    try (Device device =
            Devices.choose(
                config.device().name(),
                Runtime.getRuntime().availableProcessors(),
                config.device().mostBytes());
        ImageReducer reducer = new ImageReducer(device, config.reduction())) {
      Reduction reduction =
          reducer.reduce(
              facts.frame(
                  raw.pixels(), raw.width(), raw.height(), facts.detector(bias.readNoise())),
              new Masters(bias, flat));
      new ImagePicture(
              reduction.image().width(),
              reduction.image().height(),
              reduction.image().science(),
              reduction.sky(),
              reduction.residual(),
              reduction.summary().skyNoise(),
              reduction.stars().x(),
              reduction.stars().y(),
              reduction.stars().flags(),
              Path.of(path).getFileName().toString(),
              List.of(
                  String.format(
                      Locale.ROOT,
                      "%,d stars, FWHM %.2f pixels, sky %.0f e-",
                      reduction.stars().count(),
                      reduction.summary().psfFwhm(),
                      reduction.summary().skyLevel())))
          .write(picture);
    }
  }

  private static Master master(Campaign campaign, String identity, Configuration hadoop) {
    return MasterCache.OF_THIS_JVM.get(
        MasterBuild.file(campaign.masters(), identity).toString(), hadoop);
  }
}

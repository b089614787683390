package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.Simulation;
import org.starmill.sample.SimulationSettings;

/** Frames that lack something, frames that nobody needs, and several frames in a file. */
class FramesOfManyKindsTest {
  @TempDir static Path folder;
  private static Path night;

  @BeforeAll
  static void simulate() {
    night = folder.resolve("night");
    SmallNight.simulate(night, 1);
  }

  private static CampaignStatus status(Path output) {
    return CampaignStatus.of(
        SmallNight.spark(),
        Campaign.open(output.toString(), SmallNight.spark().sparkContext().hadoopConfiguration()),
        10);
  }

  private static Path nightWithout(String name, String pattern) throws IOException {
    Path copy = Files.createDirectories(folder.resolve(name));
    for (Path file : SmallNight.filesBelow(night)) {
      if (!file.getFileName().toString().matches(pattern) && file.toString().endsWith(".fits")) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  @Test
  void aFrameWithoutCoordinatesIsMeasuredAndPartial() throws IOException {
    Path input = nightWithout("no coordinates", "none");
    Path frame = input.resolve("sci_000001_g.fits");
    String text = Files.readString(frame, StandardCharsets.ISO_8859_1);
    Files.writeString(
        frame, text.replaceAll("CTYPE([12])  =", "KTYPE$1  ="), StandardCharsets.ISO_8859_1);
    Path output = folder.resolve("catalog without coordinates");
    SmallNight.run(input, output);
    assertThat(SmallNight.ledger(output)).containsExactly("sci_000001_g.fits partial no WCS");
    assertThat(SmallNight.sources(output).filter("flux is not null and ra is null").count())
        .isEqualTo(SmallNight.sources(output).count())
        .isPositive();
    assertThat(status(output).failedImages()).isZero();
    assertThat(status(output).images("partial")).isEqualTo(1);
  }

  @Test
  void anImageWithoutAFlatFailsOrIsPartialAsTheSettingsSay() throws IOException {
    Path input = nightWithout("no flats", "flat.*");
    Path required = folder.resolve("flat required");
    SmallNight.run(input, required);
    assertThat(SmallNight.ledger(required)).containsExactly("sci_000001_g.fits failed no flat");
    Path optional = folder.resolve("flat optional");
    SmallNight.run(input, optional, "masters.flat=optional");
    assertThat(SmallNight.ledger(optional)).containsExactly("sci_000001_g.fits partial no flat");
    assertThat(SmallNight.sources(optional).count()).isPositive();
  }

  @Test
  void aFrameWithABrokenOverscanSectionIsNotMeasuredWithTheBiasOfWholeOnes() throws IOException {
    Path input = nightWithout("broken overscan", "none");
    for (String broken : List.of("sci_000001_g.fits", "bias_0002.fits")) {
      Path frame = input.resolve(broken);
      String text = Files.readString(frame, StandardCharsets.ISO_8859_1);
      Files.writeString(
          frame, text.replaceAll("(BIASSEC = '\\[)\\d", "$1a"), StandardCharsets.ISO_8859_1);
    }
    Path output = folder.resolve("catalog of a broken overscan");
    SmallNight.run(input, output, "masters.min-bias-frames=2");
    assertThat(SmallNight.ledger(output))
        .contains("sci_000001_g.fits failed no overscan", "bias_0002.fits failed not used");
    assertThat(
            SmallNight.exposures(output)
                .filter("path like '%sci%' or path like '%bias_0002%'")
                .select("reason")
                .collectAsList())
        .extracting(row -> row.getString(0))
        .allMatch(reason -> reason.contains("no overscan: BIASSEC is '["))
        .allMatch(reason -> reason.contains("set sections.overscan.value"))
        .anyMatch(reason -> reason.contains("the master bias had its overscan subtracted"));
  }

  @Test
  void calibrationFramesThatNoMasterNeedsAreNoFailures() {
    Path output = folder.resolve("few calibrations");
    SmallNight.run(
        night,
        output,
        "masters.min-bias-frames=2",
        "masters.min-flat-frames=2",
        "masters.max-frames=2");
    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "bias_0003.fits failed not used",
            "flat_g_0003.fits failed not used",
            "sci_000001_g.fits ok");
    CampaignStatus status = status(output);
    assertThat(status.images("not used")).isEqualTo(2);
    assertThat(status.failedImages()).isZero();
    assertThat(status.inMasters()).isEqualTo(4);
    assertThat(status.left()).isZero();
  }

  @Test
  void aCompressedMosaicGivesARowForEachOfItsQuadrants() throws IOException {
    Path input = folder.resolve("mosaic");
    Simulation.write(
        input,
        SimulationSettings.of(
                CameraSettings.ztfLike().withSize(256, 240).withStars(120).withSeed(3), 1)
            .withCalibrations(3, 3)
            .withRice(true)
            .withMosaic(true),
        (file, done, total) -> {});
    Path output = folder.resolve("catalog of a mosaic");
    SmallNight.run(input, output);
    List<Row> rows =
        SmallNight.exposures(output).select("status", "hdu", "quadrant").collectAsList();
    assertThat(rows).hasSize(4).allMatch(row -> row.getString(0).equals("ok"));
    assertThat(rows).extracting(row -> row.getInt(1)).doesNotHaveDuplicates();
    assertThat(rows).extracting(row -> row.getString(2)).doesNotHaveDuplicates();
  }

  @Test
  void aMissingDeviceIsReplacedOnlyWhereTheSettingsSaySoAndTheRowTells() {
    assumeThat(Devices.list())
        .as("a GPU is here")
        .noneMatch(device -> device.kind() == DeviceInfo.Kind.GPU);
    Path output = folder.resolve("instead of a GPU");
    SmallNight.run(night, output, "device.name=gpu", "device.fallback=java");
    Row row = SmallNight.exposures(output).select("status", "device", "notes").head();
    assertThat(row.getString(0)).isEqualTo("ok");
    assertThat(row.getString(1)).isEqualTo("java");
    assertThat(row.getString(2)).contains("device fallback");
  }
}

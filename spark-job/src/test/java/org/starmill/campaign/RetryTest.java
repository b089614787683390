package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Frames that were bad, and are tried again once they have been mended. */
@Tag("full")
class RetryTest {
  @TempDir Path folder;

  private static RunScope retry(long limit, String... what) {
    return new RunScope(List.of(what), limit, false);
  }

  @Test
  void mendedFramesEndWithTheRowsOfACampaignThatHadThemWholeFromTheBeginning() throws IOException {
    Path whole = folder.resolve("whole");
    SmallNight.simulate(whole, 6);
    Path night = folder.resolve("night");
    Files.createDirectories(night);
    for (Path file : SmallNight.filesBelow(whole)) {
      Files.copy(file, night.resolve(file.getFileName()));
    }
    Path truncated = night.resolve("sci_000002_g.fits");
    Files.write(truncated, Arrays.copyOf(Files.readAllBytes(truncated), 40_000));
    Path words = Files.writeString(night.resolve("sci_000003_g.fits"), "this is no FITS file");
    Path nowhere = night.resolve("sci_000005_g.fits");
    Files.writeString(
        nowhere,
        Files.readString(nowhere, StandardCharsets.ISO_8859_1)
            .replaceAll("CTYPE([12])  =", "KTYPE$1  ="),
        StandardCharsets.ISO_8859_1);

    Path output = folder.resolve("a catalog");
    SmallNight.run(new RunScope(List.of(), 2, false), night, output, "batch.images=2");
    assertThat(SmallNight.exposures(output).count()).isEqualTo(2);
    SmallNight.run(night, output, "batch.images=2");
    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "sci_000001_g.fits ok",
            "sci_000002_g.fits failed truncated",
            "sci_000003_g.fits failed unreadable",
            "sci_000004_g.fits ok",
            "sci_000005_g.fits partial no WCS",
            "sci_000006_g.fits ok");

    // As long as they are bad, they stay so.
    SmallNight.run(retry(Long.MAX_VALUE, "failed", "partial"), night, output, "batch.images=2");
    assertThat(SmallNight.ledger(output)).contains("sci_000003_g.fits failed unreadable");
    assertThat(SmallNight.exposures(output).count()).isEqualTo(6);

    for (Path bad : List.of(truncated, words, nowhere)) {
      Files.copy(whole.resolve(bad.getFileName()), bad, StandardCopyOption.REPLACE_EXISTING);
    }
    SmallNight.run(retry(1, "failed"), night, output, "batch.images=2");
    assertThat(SmallNight.exposures(output).filter("status = 'failed'").count()).isEqualTo(1);
    SmallNight.run(retry(Long.MAX_VALUE, "failed"), night, output, "batch.images=64");
    assertThat(SmallNight.exposures(output).filter("status = 'failed'").count()).isZero();
    SmallNight.run(retry(Long.MAX_VALUE, "no WCS"), night, output, "batch.images=2");

    Path undisturbed = folder.resolve("undisturbed");
    SmallNight.run(night, undisturbed, "batch.images=4");
    Dataset<Row> images = SmallNight.exposures(output);
    Dataset<Row> expected = SmallNight.exposures(undisturbed);
    SmallNight.assertSameRows(
        SmallNight.byFile(SmallNight.sources(output), images),
        SmallNight.byFile(SmallNight.sources(undisturbed), expected));
    SmallNight.assertSameRows(SmallNight.byFile(images), SmallNight.byFile(expected));
    assertThat(output.resolve("_staging")).doesNotExist();
  }

  @Test
  void aBiasFrameThatWasMendedAndIsInAMasterNowHasNoRowAndIsToldNothing() throws IOException {
    Path night = folder.resolve("night");
    SmallNight.simulate(night, 2);
    Path whole = Files.copy(night.resolve("bias_0001.fits"), folder.resolve("whole.fits"));
    Path words = Files.writeString(night.resolve("bias_0004.fits"), "this is no FITS file");
    // Its header is whole, so that the plan takes it for a bias frame.
    Path cut = night.resolve("bias_0005.fits");
    Files.write(cut, Arrays.copyOf(Files.readAllBytes(whole), 40_000));
    Path output = folder.resolve("catalog");
    SmallNight.run(night, output);
    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "bias_0004.fits failed unreadable",
            "bias_0005.fits failed not used",
            "sci_000001_g.fits ok",
            "sci_000002_g.fits ok");
    long stars = SmallNight.sources(output).count();

    Files.copy(whole, words, StandardCopyOption.REPLACE_EXISTING);
    SmallNight.run(retry(Long.MAX_VALUE, "failed"), night, output);
    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "bias_0005.fits failed not used", "sci_000001_g.fits ok", "sci_000002_g.fits ok");
    Files.copy(whole, cut, StandardCopyOption.REPLACE_EXISTING);
    SmallNight.run(retry(Long.MAX_VALUE, "not used"), night, output);
    assertThat(SmallNight.ledger(output))
        .containsExactly("sci_000001_g.fits ok", "sci_000002_g.fits ok");
    assertThat(SmallNight.sources(output).count()).isEqualTo(stars);
    assertThat(
            SmallNight.spark()
                .read()
                .parquet(output.resolve("masters/masters.parquet").toString())
                .filter("kind = 'bias'")
                .orderBy("n_frames")
                .select("n_frames")
                .collectAsList())
        .extracting(row -> row.getInt(0))
        .containsExactly(3, 4, 5);
    CampaignStatus status =
        CampaignStatus.of(
            SmallNight.spark(),
            Campaign.open(
                output.toString(), SmallNight.spark().sparkContext().hadoopConfiguration()),
            10);
    assertThat(status.left()).isZero();
    assertThat(status.inMasters()).isEqualTo(8);
  }

  @Test
  void aCampaignGoesOnWithAnotherConfigurationOnlyWhenItIsToldToAndItsRowsSayWhichTheyHave() {
    Path night = folder.resolve("night");
    SmallNight.simulate(night, 2);
    Path output = folder.resolve("catalog");
    Campaign.Identity first =
        SmallNight.run(new RunScope(List.of(), 1, false), night, output).identity();
    assertThatThrownBy(() -> SmallNight.run(night, output, "detect.threshold=7"))
        .isInstanceOf(Refused.class);
    Campaign changed =
        SmallNight.run(
            new RunScope(List.of(), Long.MAX_VALUE, true), night, output, "detect.threshold=7");
    assertThat(changed.former())
        .containsExactly(new Campaign.Former(first.configurationHash(), first.version()));
    assertThat(
            SmallNight.exposures(output)
                .orderBy("exposure_id")
                .select("config_hash")
                .collectAsList())
        .extracting(row -> row.getString(0))
        .containsExactly(first.configurationHash(), changed.identity().configurationHash());
    assertThatThrownBy(() -> SmallNight.run(night, output))
        .isInstanceOf(Refused.class)
        .hasMessageContaining(changed.identity().configurationHash());
    CampaignStatus status =
        CampaignStatus.of(
            SmallNight.spark(),
            Campaign.open(
                output.toString(), SmallNight.spark().sparkContext().hadoopConfiguration()),
            1);
    assertThat(status.former()).hasSize(1);
    assertThat(status.left()).isZero();
  }
}

package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong for all images is said at once, and nothing is written. */
class RefusalTest {
  @TempDir static Path folder;
  private static Path night;

  @BeforeAll
  static void simulate() {
    night = folder.resolve("night");
    SmallNight.simulate(night, 1);
  }

  @Test
  void anInputWithoutAFitsFile() throws IOException {
    Path empty = Files.createDirectories(folder.resolve("empty"));
    Path output = folder.resolve("nothing 1");
    assertThatThrownBy(() -> SmallNight.run(empty, output))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("no FITS file")
        .hasMessageContaining(empty.toString());
    assertThat(output).doesNotExist();
  }

  @Test
  void anInputThatIsNotThere() {
    Path output = folder.resolve("nothing 2");
    assertThatThrownBy(() -> SmallNight.run(folder.resolve("absent"), output))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("absent");
    assertThat(output).doesNotExist();
  }

  @Test
  void anInputOrOutputThatIsNoPath() {
    CampaignRequest good = SmallNight.request(night, folder.resolve("nothing 4"));
    for (CampaignRequest wrong :
        List.of(
            new CampaignRequest(
                List.of("nowhere:"), good.output(), null, good.config(), good.instrument()),
            new CampaignRequest(good.inputs(), "", null, good.config(), good.instrument()))) {
      assertThatThrownBy(() -> new CampaignRun(SmallNight.spark(), wrong, SmallNight.SILENCE).run())
          .isInstanceOf(Refused.class)
          .hasMessageContaining("Hadoop file system");
    }
    assertThat(folder.resolve("nothing 4")).doesNotExist();
  }

  @Test
  void aPatternOrSchemeThatIsNotUnderstood() {
    CampaignRequest good = SmallNight.request(night, folder.resolve("nothing 5"));
    for (String wrong : List.of("", "s3a://bucket/x", night + "/[")) {
      CampaignRequest request =
          new CampaignRequest(
              List.of(wrong), good.output(), null, good.config(), good.instrument());
      assertThatThrownBy(
              () -> new CampaignRun(SmallNight.spark(), request, SmallNight.SILENCE).plan())
          .isInstanceOf(Refused.class)
          .hasMessageContaining("--input");
    }
    assertThat(folder.resolve("nothing 5")).doesNotExist();
  }

  @Test
  void anInputWithoutABiasFrame() throws IOException {
    Path stars = Files.createDirectories(folder.resolve("stars"));
    Files.copy(night.resolve("sci_000001_g.fits"), stars.resolve("sci_000001_g.fits"));
    Path output = folder.resolve("nothing 3");
    assertThatThrownBy(() -> SmallNight.run(stars, output))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("no bias frame")
        .hasMessageContaining("--input");
    assertThat(output).doesNotExist();
  }

  @Test
  void anOutputThatIsNoCampaign() throws IOException {
    Path output = Files.createDirectories(folder.resolve("photos"));
    Files.writeString(output.resolve("cat.jpg"), "meow");
    assertThatThrownBy(() -> SmallNight.run(night, output))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("no campaign")
        .hasMessageContaining("cat.jpg");
    assertThat(SmallNight.filesBelow(output)).hasSize(1);
  }

  @Test
  void anOutputOfAnotherCampaignOrConfiguration() {
    Path output = folder.resolve("catalog");
    new CampaignRun(SmallNight.spark(), SmallNight.request(night, output), SmallNight.SILENCE)
        .plan();
    int files = SmallNight.filesBelow(output).size();

    CampaignRequest same = SmallNight.request(night, output);
    CampaignRequest other =
        new CampaignRequest(
            same.inputs(), same.output(), "another", same.config(), same.instrument());
    assertThatThrownBy(() -> new CampaignRun(SmallNight.spark(), other, SmallNight.SILENCE).run())
        .isInstanceOf(Refused.class)
        .hasMessageContaining("'night'")
        .hasMessageContaining("'another'");

    assertThatThrownBy(() -> SmallNight.run(night, output, "detect.threshold=7"))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("configuration")
        .hasMessageContaining("--output")
        .hasMessageContaining("--allow-changes");
    assertThat(SmallNight.filesBelow(output)).hasSize(files);
  }

  @Test
  void aCampaignOfAnotherVersionOfTheSoftware() throws IOException {
    Path output = Files.createDirectories(folder.resolve("of another version"));
    CampaignRequest request = SmallNight.request(night, output);
    Files.writeString(
        output.resolve("campaign.json"),
        """
        {"campaign": "night", "instrument": "%s", "configuration_hash": "%s",
         "software_version": "0.0.7", "created": "2026-01-01T00:00:00Z"}
        """
            .formatted(
                request.instrument().name(), request.config().hash(request.instrument().digest())));
    assertThatThrownBy(() -> SmallNight.run(night, output))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("version 0.0.7")
        .hasMessageContaining("--allow-changes");
    assertThat(SmallNight.filesBelow(output)).hasSize(1);
  }

  @Test
  void anOutputWhereAnotherRunIsAtWork() {
    Path output = folder.resolve("busy");
    Campaign other =
        new CampaignRun(SmallNight.spark(), SmallNight.request(night, output), SmallNight.SILENCE)
            .plan();
    Campaign holder =
        Campaign.openOrPrepare(
            output.toString(),
            other.identity(),
            false,
            SmallNight.spark().sparkContext().hadoopConfiguration());
    holder.lease().take(waiting -> {});
    int files = SmallNight.filesBelow(output).size();
    try {
      assertThatThrownBy(() -> SmallNight.run(night, output))
          .isInstanceOf(Refused.class)
          .hasMessageContaining("another run is at work");
      assertThat(SmallNight.filesBelow(output)).hasSize(files);
    } finally {
      holder.lease().close();
    }
  }

  @Test
  void aReasonToRetryThatNoImageHas() {
    Path output = folder.resolve("retried");
    SmallNight.run(night, output);
    RunScope misspelt = new RunScope(List.of("truncatd"), Long.MAX_VALUE, false);
    assertThatThrownBy(() -> SmallNight.run(misspelt, night, output))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("--retry truncatd")
        .hasMessageContaining("failed, partial");
  }

  @Test
  void anOutputBelowAFile() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "not a folder");
    assertThatThrownBy(() -> SmallNight.run(night, file.resolve("catalog")))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("file");
  }

  @Test
  void aPathThatADriverOfAClusterWouldTakeBelowItsOwnFolder() {
    System.setProperty("spark.submit.deployMode", "cluster");
    try {
      assertThatThrownBy(
              () -> SmallNight.run(night, Path.of("a catalog that would not be found again")))
          .isInstanceOf(Refused.class)
          .hasMessageContaining("--output a catalog")
          .hasMessageContaining("absolute path");
      assertThatThrownBy(() -> SmallNight.run(Path.of("night"), folder.resolve("of no night")))
          .isInstanceOf(Refused.class)
          .hasMessageContaining("--input night")
          .hasMessageContaining("absolute path");
    } finally {
      System.clearProperty("spark.submit.deployMode");
    }
  }
}

package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One night with good frames and bad ones, reduced once. */
class CampaignTest {
  @TempDir static Path folder;
  private static Path input;
  private static Path output;

  @BeforeAll
  static void reduceANight() throws IOException {
    input = folder.resolve("a night");
    output = folder.resolve("catalog");
    SmallNight.simulate(input, 3);
    Path good = input.resolve("sci_000001_g.fits");
    byte[] bytes = Files.readAllBytes(good);
    Files.write(input.resolve("truncated.fits"), Arrays.copyOf(bytes, bytes.length / 2));
    Files.writeString(input.resolve("words.fits"), "this is no FITS file");
    Files.writeString(input.resolve("readme.txt"), "this neither, and it does not say so");
    SmallNight.run(input, output, "batch.images=2");
  }

  @Test
  void everyFrameIsAccountedFor() {
    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "sci_000001_g.fits ok",
            "sci_000002_g.fits ok",
            "sci_000003_g.fits ok",
            "truncated.fits failed truncated",
            "words.fits failed unreadable");
    CampaignStatus status =
        CampaignStatus.of(SmallNight.spark(), Campaign.open(output.toString(), hadoop()), 10);
    assertThat(status.planned()).isEqualTo(11);
    assertThat(status.inMasters()).isEqualTo(6);
    assertThat(status.left()).isZero();
    assertThat(status.failedImages()).isEqualTo(2);
    assertThat(status.failures())
        .extracting(CampaignStatus.Failure::path)
        .allMatch(path -> path.endsWith("truncated.fits") || path.endsWith("words.fits"));
  }

  @Test
  void aStarHasItsPlaceOnTheSkyAndItsImageARow() {
    Dataset<Row> sources = SmallNight.sources(output);
    assertThat(sources.count()).isGreaterThan(150);
    assertThat(sources.filter("ra is null or dec is null or flux is null").count()).isZero();
    assertThat(sources.select("source_id").distinct().count()).isEqualTo(sources.count());
    assertThat(
            SmallNight.exposures(output)
                .filter("status = 'ok'")
                .agg(org.apache.spark.sql.functions.sum("n_stars"))
                .head()
                .getLong(0))
        .isEqualTo(sources.count());
  }

  @Test
  void duckDbReadsBothTablesAndTheirJoin() throws SQLException {
    try (Connection duck = DriverManager.getConnection("jdbc:duckdb:")) {
      String join =
          "select count(*), count(distinct path), min(mag) from '%s/sources/**/*.parquet' "
              + "join '%s/exposures/*.parquet' using (exposure_id) where status = 'ok'";
      try (ResultSet rows = duck.createStatement().executeQuery(join.formatted(output, output))) {
        assertThat(rows.next()).isTrue();
        assertThat(rows.getLong(1)).isEqualTo(SmallNight.sources(output).count());
        assertThat(rows.getLong(2)).isEqualTo(3);
        assertThat(rows.getDouble(3)).isBetween(0.0, 40.0);
      }
    }
  }

  @Test
  void aSecondRunFindsNothingToDoAndTouchesNothing() throws IOException {
    List<Path> before = SmallNight.filesBelow(output);
    SmallNight.run(input, output, "batch.images=2");
    assertThat(SmallNight.filesBelow(output)).containsExactlyInAnyOrderElementsOf(before);
  }

  @Test
  void noFileOfTheCatalogLooksLikeAHivePartitionOrIsHidden() {
    assertThat(SmallNight.filesBelow(output))
        .noneMatch(file -> output.relativize(file).toString().contains("="))
        .noneMatch(file -> file.getFileName().toString().startsWith("."));
  }

  @Test
  void framesThatComeLaterAreNumberedOnAndTheOldKeepTheirRows() throws IOException {
    Path growing = folder.resolve("growing");
    Path catalog = folder.resolve("growing catalog");
    Files.createDirectories(growing);
    for (Path file : SmallNight.filesBelow(input)) {
      String name = file.getFileName().toString();
      if (name.matches("(bias|flat|sci_000002).*fits")) {
        Files.copy(file, growing.resolve(name));
      }
    }
    SmallNight.run(growing, catalog);
    List<Row> first = SmallNight.sources(catalog).orderBy("source_id").collectAsList();
    Files.copy(input.resolve("sci_000001_g.fits"), growing.resolve("sci_000001_g.fits"));
    SmallNight.run(growing, catalog);
    assertThat(SmallNight.ledger(catalog))
        .containsExactly("sci_000001_g.fits ok", "sci_000002_g.fits ok");
    assertThat(
            SmallNight.sources(catalog)
                .filter("exposure_id = 6")
                .orderBy("source_id")
                .collectAsList())
        .isEqualTo(first);
    assertThat(SmallNight.exposures(catalog).filter("exposure_id = 7").count()).isEqualTo(1);
  }

  @Test
  void aCampaignOfTheSameFieldsKnowsHowManyStarsToExpect() {
    Campaign campaign = Campaign.open(output.toString(), hadoop());
    PlannedFrame frame =
        new Plan(SmallNight.spark(), campaign)
            .frames("image_type = 'science' and reason is null")
            .get(0);
    Row counted =
        SmallNight.exposures(output)
            .filter("status = 'ok' and field = '%s'".formatted(frame.field()))
            .selectExpr("avg(n_stars)", "count(*)")
            .head();
    assertThat(counted.getLong(1)).as("images of the field %s", frame.field()).isPositive();
    Row centre =
        SmallNight.sources(output)
            .filter("exposure_id = " + frame.exposureId())
            .selectExpr("median(ra)", "median(dec)")
            .head();
    assertThat(frame.ra()).isCloseTo(centre.getDouble(0), within(0.03));
    assertThat(frame.dec()).isCloseTo(centre.getDouble(1), within(0.03));

    StarsExpected expected = new StarsExpected();
    double byLatitude = expected.stars(frame);
    expected.learn(SmallNight.spark(), campaign);
    assertThat(expected.stars(frame))
        .isCloseTo(counted.getDouble(0), within(1e-6))
        .isNotCloseTo(byLatitude, within(10.0));
  }

  @Test
  void anEarlierCampaignThatIsNoneIsRefusedBeforeAnythingIsWritten() {
    Path nowhere = folder.resolve("nowhere");
    Path catalog = folder.resolve("refused");
    assertThatThrownBy(() -> SmallNight.run(input, catalog, "batch.stars-of=" + nowhere))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("batch.stars-of")
        .hasMessageContaining(nowhere.toString())
        .hasMessageContaining("starmill run");
    assertThat(catalog).doesNotExist();
  }

  private static org.apache.hadoop.conf.Configuration hadoop() {
    return SmallNight.spark().sparkContext().hadoopConfiguration();
  }
}

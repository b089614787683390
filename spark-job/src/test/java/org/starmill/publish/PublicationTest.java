package org.starmill.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.starmill.publish.Publishing.assertSame;
import static org.starmill.publish.Publishing.files;
import static org.starmill.publish.Publishing.publish;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.campaign.Refused;
import org.starmill.healpix.HealpixPixel;

/** A catalog of campaigns, which come and grow. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PublicationTest {
  @TempDir static Path folder;
  private static SyntheticCampaign north;
  private static SyntheticCampaign plane;
  private static Path grown;
  private static Path atOnce;

  @BeforeAll
  static void campaigns() throws IOException {
    north = new SyntheticCampaign(folder.resolve("north"), "north");
    north.batch(0, 10, 89.5, 400);
    plane = new SyntheticCampaign(folder.resolve("plane"), "plane");
    plane.batch(0, 0, 0, 500);
    plane.batch(4, 0.5, 0.2, 500);
    grown = folder.resolve("grown");
    atOnce = folder.resolve("at_once");
  }

  @Test
  @Order(1)
  void aCatalogOfTwoCampaignsKeepsTheRulesOfHats() throws IOException {
    PublishSummary done = publish(atOnce, north, plane);
    assertThat(done.rows()).isEqualTo(2 * 400 + 4 * 500);
    assertThat(done.campaigns())
        .containsExactly(
            new PublishSummary.Part("north", 1, 0, 0, 3, 800, 400),
            new PublishSummary.Part("plane", 2, 0, 0, 6, 2000, 1000));
    HatsReader catalog = new HatsReader(atOnce);
    catalog.assertValid();
    assertThat(catalog.pixels().values()).allSatisfy(rows -> assertThat(rows).isBetween(1L, 300L));
    assertThat(catalog.pixels()).hasSize(done.pixels());
    assertThat(
            HatsReader.query(
                "SELECT DISTINCT campaign, filter, mjd FROM " + catalog.all() + " ORDER BY 1"))
        .containsExactly(List.of("north", "zr", 60443.25), List.of("plane", "zr", 60443.25));

    Properties properties = new Properties();
    try (var in = Files.newInputStream(atOnce.resolve("hats.properties"))) {
      properties.load(in);
    }
    assertThat(properties)
        .containsEntry("obs_collection", "at_once")
        .containsEntry("dataproduct_type", "source")
        .containsEntry("hats_nrows", "2800")
        .containsEntry("hats_col_healpix", "_healpix_29")
        .containsEntry("hats_order", Integer.toString(done.order()))
        .containsEntry("hats_version", "v1.0");
  }

  @Test
  @Order(2)
  void theSummaryFilesTellOfEveryFileAndEveryColumn() throws IOException {
    Configuration hadoop = new Configuration(false);
    Map<String, Long> rows = new HashMap<>();
    for (BlockMetaData block : footer("_metadata", hadoop).getRowGroups()) {
      rows.merge(block.getPath(), block.getRowCount(), Long::sum);
    }
    Map<String, Long> expected = new HashMap<>();
    for (Map.Entry<HealpixPixel, Long> pixel : new HatsReader(atOnce).pixels().entrySet()) {
      expected.put(
          HatsLayout.file(pixel.getKey()).substring("dataset/".length()), pixel.getValue());
    }
    assertThat(rows).isEqualTo(expected);
    try (ParquetFileReader common = footer("_common_metadata", hadoop)) {
      assertThat(common.getRowGroups()).isEmpty();
      assertThat(common.getFileMetaData().getSchema()).isEqualTo(PublishedTable.parquet(2));
    }
  }

  private static ParquetFileReader footer(String file, Configuration hadoop) throws IOException {
    return ParquetFileReader.open(
        HadoopInputFile.fromPath(
            new org.apache.hadoop.fs.Path(atOnce.resolve("dataset").resolve(file).toUri()),
            hadoop));
  }

  @Test
  @Order(3)
  void publishingTwiceChangesNothing() throws IOException {
    Map<String, String> before = files(atOnce);
    PublishSummary again = publish(atOnce, north, plane, north);
    assertThat(files(atOnce)).isEqualTo(before);
    assertThat(again.publication()).isEqualTo(1);
    assertThat(again.pixelsWritten()).isZero();
    assertThat(again.rows()).isEqualTo(2800);
  }

  @Test
  @Order(4)
  void aCatalogThatGrewByCampaignsIsTheOneMadeAtOnce() throws IOException {
    SyntheticCampaign growing = new SyntheticCampaign(folder.resolve("growing"), "plane");
    growing.batch(0, 0, 0, 500);
    publish(grown, growing);
    publish(grown, north);
    Map<String, String> before = files(grown);
    growing.batch(4, 0.5, 0.2, 500);
    PublishSummary done = publish(grown, growing);

    assertThat(done.publication()).isEqualTo(3);
    assertThat(done.campaigns())
        .containsExactly(new PublishSummary.Part("plane", 1, 1, 0, 3, 1000, 500));
    new HatsReader(grown).assertValid();
    assertSame(grown, atOnce);
    Map<String, String> after = files(grown);
    List<String> ofNorth =
        HatsReader.query(
                "SELECT DISTINCT filename FROM "
                    + new HatsReader(grown).all()
                    + " WHERE campaign = 'north'")
            .stream()
            .map(row -> grown.relativize(Path.of((String) row.get(0))).toString())
            .toList();
    assertThat(ofNorth).hasSizeGreaterThan(2);
    assertThat(ofNorth).allSatisfy(file -> assertThat(after.get(file)).isEqualTo(before.get(file)));
    assertThat(after.keySet()).noneMatch(file -> file.contains("staging"));
  }

  @Test
  @Order(5)
  void starsOfABatchThatDoesNotCountAreNotPublished() throws IOException {
    Map<String, String> before = files(grown);
    Path orphan = Files.createDirectories(folder.resolve("north/sources/batch-000000000099"));
    Files.copy(
        folder.resolve("north/sources/batch-000000000000/part-0-1.parquet"),
        orphan.resolve("part-0-1.parquet"));
    publish(grown, north);
    assertThat(files(grown)).isEqualTo(before);
  }

  @Test
  @Order(6)
  void whatCannotBePublishedIsRefusedAndTheCatalogStays() throws IOException {
    Map<String, String> before = files(atOnce);
    refuses(() -> with(atOnce.toString(), List.of(folder.toString()), null, null), "no campaign");
    refuses(() -> publish(folder.resolve("north"), plane), "not empty", "north");
    SyntheticCampaign twin = new SyntheticCampaign(folder.resolve("twin"), "plane");
    refuses(() -> publish(atOnce, plane, twin), "'plane'", "twin");
    twin.identify("other");
    refuses(() -> publish(atOnce, twin), "'plane'", "other", "abcd");
    String north = folder.resolve("north").toString();
    refuses(() -> with(atOnce.toString(), List.of(north), "sky", null), "'at_once'", "'sky'");
    refuses(() -> with(atOnce.toString(), List.of(north), null, 7), "--max-order 10", "not 7");
    SyntheticCampaign torn = new SyntheticCampaign(folder.resolve("torn"), "torn");
    torn.batch(0, 0, 0, 10);
    Path part = folder.resolve("torn/sources/batch-000000000000/part-0-1.parquet");
    Files.copy(part, part.resolveSibling("part-0-2.parquet"));
    refuses(() -> publish(atOnce, torn), "60", "30", "n_stars", "'torn'");
    assertThat(files(atOnce)).isEqualTo(before);
  }

  private static void with(String output, List<String> inputs, String name, Integer maxOrder) {
    new Publication(
            SyntheticCampaign.spark(),
            new PublishRequest(inputs, output, name, null, maxOrder),
            step -> {})
        .run();
  }

  private static void refuses(Runnable publish, String... words) {
    assertThatThrownBy(publish::run)
        .isInstanceOf(Refused.class)
        .satisfies(refused -> assertThat(refused.getMessage()).hasLineCount(1).contains(words));
  }
}

package org.starmill.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.campaign.Refused;
import org.starmill.healpix.HealpixPixel;

/** A catalog grows: campaigns come, grow, and are done anew, and publishing is cut off. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PublicationTest {
  private static final long MAX_ROWS = 300;

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

  @AfterEach
  void live() {
    BrittleFileSystem.live();
  }

  private static PublishSummary publish(String output, SyntheticCampaign... campaigns) {
    List<String> inputs =
        Arrays.stream(campaigns).map(campaign -> campaign.folder().toString()).toList();
    return new Publication(
            SyntheticCampaign.spark(),
            new PublishRequest(inputs, output, null, MAX_ROWS, null),
            step -> {})
        .run();
  }

  private static PublishSummary publish(Path output, SyntheticCampaign... campaigns) {
    return publish(output.toString(), campaigns);
  }

  /** Every file with what is in it and when it was written. */
  private static Map<String, String> files(Path catalog) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (var paths = Files.walk(catalog)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(
            catalog.relativize(path).toString(),
            Files.getLastModifiedTime(path) + " " + Arrays.hashCode(Files.readAllBytes(path)));
      }
    }
    return files;
  }

  private static void assertSame(Path catalog, Path expected) throws IOException {
    assertThat(new HatsReader(catalog).pixels()).isEqualTo(new HatsReader(expected).pixels());
    String rows = "SELECT * EXCLUDE (filename) FROM ";
    String a = rows + new HatsReader(catalog).all();
    String b = rows + new HatsReader(expected).all();
    assertThat(HatsReader.number("SELECT count(*) FROM ((%s) EXCEPT ALL (%s))".formatted(a, b)))
        .isZero();
    assertThat(HatsReader.number("SELECT count(*) FROM ((%s) EXCEPT ALL (%s))".formatted(b, a)))
        .isZero();
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
  void aBatchThatWasDoneAnewReplacesItsStars() throws IOException {
    SyntheticCampaign anew = new SyntheticCampaign(folder.resolve("growing"), "plane");
    anew.batch(4, 40, -60, 120);
    PublishSummary done = publish(grown, anew);
    assertThat(done.campaigns())
        .containsExactly(new PublishSummary.Part("plane", 1, 1, 1, 3, 240, 120));
    HatsReader catalog = new HatsReader(grown);
    catalog.assertValid();
    assertThat(done.rows()).isEqualTo(800 + 1000 + 240);

    Path fromScratch = folder.resolve("from_scratch");
    publish(fromScratch, north, anew);
    assertSame(grown, fromScratch);
  }

  @Test
  @Order(7)
  void aPublishThatWasKilledLeavesTheFormerCatalogAndTheNextFinishes() throws IOException {
    Path killed = folder.resolve("killed");
    String output = BrittleFileSystem.SCHEME + ":" + killed;
    BrittleFileSystem.register(SyntheticCampaign.spark().sparkContext().hadoopConfiguration());
    SyntheticCampaign half = new SyntheticCampaign(folder.resolve("half"), "plane");
    half.batch(0, 0, 0, 500);
    publish(output, half);
    String former = "SELECT * EXCLUDE (filename) FROM " + new HatsReader(killed).listed();
    List<List<Object>> rows = HatsReader.query(former + " ORDER BY campaign, source_id");
    assertThat(rows).hasSize(1000);

    // Before the decision: not a byte of the catalog has changed.
    Map<String, String> before = files(killed);
    BrittleFileSystem.dieAt(path -> path.getName().equals("switch.csv"));
    assertThatThrownBy(() -> publish(output, plane)).hasMessageContaining("killed");
    before.forEach(
        (file, content) -> assertThat(contentOf(killed, file)).as(file).isEqualTo(content));

    // Behind it, in the middle of the files: every former row is listed, once.
    BrittleFileSystem.dieAt(
        path ->
            path.getName().equals("partition_info.csv") && !path.toString().contains("staging"));
    assertThatThrownBy(() -> publish(output, plane)).hasMessageContaining("killed");
    HatsReader left = new HatsReader(killed);
    String listed = "SELECT * EXCLUDE (filename) FROM " + left.listed() + " WHERE exposure_id < 4";
    assertThat(HatsReader.query(listed + " ORDER BY campaign, source_id")).isEqualTo(rows);

    BrittleFileSystem.live();
    PublishSummary done = publish(output, plane, north);
    assertThat(done.finishedEarlier()).isTrue();
    left.assertValid();
    assertSame(killed, atOnce);
  }

  private static String contentOf(Path catalog, String file) {
    try {
      return files(catalog).get(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  @Order(8)
  void aCampaignWithoutPositionsGivesACatalogWithoutRows() throws IOException {
    SyntheticCampaign blind = new SyntheticCampaign(folder.resolve("blind"), "blind");
    blind.batch(0, Double.NaN, 0, 10);
    Path empty = folder.resolve("empty");
    PublishSummary done = publish(empty, blind);
    assertThat(done.campaigns())
        .containsExactly(new PublishSummary.Part("blind", 1, 0, 0, 3, 0, 30));
    assertThat(new HatsReader(empty).pixels()).isEmpty();
    assertThat(empty.resolve("dataset/_common_metadata")).exists();
  }

  @Test
  @Order(9)
  void whatCannotBePublishedIsRefusedAndTheCatalogStays() throws IOException {
    Map<String, String> before = files(atOnce);
    refuses(
        () -> publish(atOnce.toString(), List.of(folder.toString()), null, null), "no campaign");
    refuses(() -> publish(folder.resolve("north"), plane), "not empty", "north");
    SyntheticCampaign twin = new SyntheticCampaign(folder.resolve("twin"), "plane");
    refuses(() -> publish(atOnce, plane, twin), "'plane'", "twin");
    twin.identify("other");
    refuses(() -> publish(atOnce, twin), "'plane'", "other", "abcd");
    String north = folder.resolve("north").toString();
    refuses(() -> publish(atOnce.toString(), List.of(north), "sky", null), "'at_once'", "'sky'");
    refuses(() -> publish(atOnce.toString(), List.of(north), null, 7), "--max-order 10", "not 7");
    SyntheticCampaign torn = new SyntheticCampaign(folder.resolve("torn"), "torn");
    torn.batch(0, 0, 0, 10);
    Path part = folder.resolve("torn/sources/batch-000000000000/part-0-1.parquet");
    Files.copy(part, part.resolveSibling("part-0-2.parquet"));
    refuses(() -> publish(atOnce, torn), "60", "30", "n_stars", "'torn'");
    assertThat(files(atOnce)).isEqualTo(before);
  }

  private static void publish(String output, List<String> inputs, String name, Integer maxOrder) {
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

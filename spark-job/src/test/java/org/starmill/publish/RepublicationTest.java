package org.starmill.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.starmill.publish.Publishing.assertSame;
import static org.starmill.publish.Publishing.files;
import static org.starmill.publish.Publishing.publish;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.campaign.WatchedFileSystem;

/** Campaigns that were done anew, and publishing that is cut off. */
@Tag("full")
class RepublicationTest {
  @TempDir Path folder;
  private SyntheticCampaign north;
  private SyntheticCampaign plane;

  @BeforeEach
  void campaigns() throws IOException {
    north = new SyntheticCampaign(folder.resolve("north"), "north");
    north.batch(0, 10, 89.5, 400);
    plane = new SyntheticCampaign(folder.resolve("plane"), "plane");
    plane.batch(0, 0, 0, 500);
    plane.batch(4, 0.5, 0.2, 500);
  }

  @AfterEach
  void live() {
    Death.none();
  }

  @Test
  void aBatchThatWasDoneAnewReplacesItsStars() throws IOException {
    SyntheticCampaign anew = new SyntheticCampaign(folder.resolve("anew"), "plane");
    anew.batch(0, 0, 0, 500);
    anew.batch(4, 0.5, 0.2, 500);
    Path grown = folder.resolve("grown");
    publish(grown, north, anew);
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
  void aPublishThatWasKilledLeavesTheFormerCatalogAndTheNextFinishes() throws IOException {
    Path killed = folder.resolve("killed");
    String output = WatchedFileSystem.DISK + ":" + killed;
    WatchedFileSystem.register(SyntheticCampaign.spark().sparkContext().hadoopConfiguration());
    SyntheticCampaign half = new SyntheticCampaign(folder.resolve("half"), "plane");
    half.batch(0, 0, 0, 500);
    publish(output, half);
    String former = "SELECT * EXCLUDE (filename) FROM " + new HatsReader(killed).listed();
    List<List<Object>> rows = HatsReader.query(former + " ORDER BY campaign, source_id");
    assertThat(rows).hasSize(1000);

    // Before the decision: not a byte of the catalog has changed.
    Map<String, String> before = files(killed);
    Death.before(path -> path.getName().equals("switch.csv"));
    assertThatThrownBy(() -> publish(output, plane)).hasMessageContaining("killed");
    before.forEach(
        (file, content) -> assertThat(contentOf(killed, file)).as(file).isEqualTo(content));

    // Behind it, in the middle of the files: every former row is listed, once.
    Death.before(
        path ->
            path.getName().equals("partition_info.csv") && !path.toString().contains("staging"));
    assertThatThrownBy(() -> publish(output, plane)).hasMessageContaining("killed");
    HatsReader left = new HatsReader(killed);
    String listed = "SELECT * EXCLUDE (filename) FROM " + left.listed() + " WHERE exposure_id < 4";
    assertThat(HatsReader.query(listed + " ORDER BY campaign, source_id")).isEqualTo(rows);

    Death.none();
    PublishSummary done = publish(output, plane, north);
    assertThat(done.finishedEarlier()).isTrue();
    left.assertValid();
    Path atOnce = folder.resolve("at_once");
    publish(atOnce, north, plane);
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
  void aCatalogOnHdfsIsTheOneOnADisk() throws Exception {
    Path local = folder.resolve("local");
    publish(local, north, plane);
    Configuration hadoop = new Configuration();
    hadoop.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
    MiniDFSCluster cluster = new MiniDFSCluster.Builder(hadoop).numDataNodes(1).build();
    try {
      cluster.waitActive();
      String output = cluster.getURI() + "/catalog";
      publish(output, north);
      publish(output, plane);
      Path copy = folder.resolve("copy");
      cluster
          .getFileSystem()
          .copyToLocalFile(
              new org.apache.hadoop.fs.Path(output), new org.apache.hadoop.fs.Path(copy.toUri()));
      new HatsReader(copy).assertValid();
      assertSame(copy, local);
    } finally {
      cluster.shutdown();
    }
  }
}

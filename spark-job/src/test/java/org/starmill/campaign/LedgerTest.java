package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.catalog.ExposureRow;

/** A batch counts whole or not at all, wherever the driver dies. */
class LedgerTest {
  private static final String BATCH = Ledger.batchName(7);

  @TempDir Path folder;
  private Ledger ledger;

  @BeforeEach
  void open() {
    Campaign.Identity identity = new Campaign.Identity("night", "generic", "abcd", "1", "now");
    Campaign campaign =
        Campaign.openOrPrepare(folder.toString(), identity, new Configuration(false));
    campaign.establish();
    ledger = new Ledger(campaign, "none");
  }

  private void stage(String... names) throws IOException {
    Path staged = Files.createDirectories(folder.resolve("_staging/" + BATCH + "/sources"));
    for (String name : names) {
      Files.writeString(staged.resolve(name), "stars");
    }
  }

  private void commit(String... files) throws IOException {
    ExposureRow row =
        ExposureRow.of(new ExposureRow.Identity(7, "a.fits", 0, "generic", "night", "1", "abcd"));
    ledger.commit(BATCH, Set.of(files), List.of(row));
  }

  private List<String> files() {
    return SmallNight.filesBelow(folder).stream()
        .map(file -> folder.relativize(file).toString())
        .filter(file -> !file.equals("campaign.json"))
        .sorted()
        .toList();
  }

  @Test
  void onlyTheFilesOfAttemptsThatWonAreCounted() throws IOException {
    stage("part-0-1.parquet", "part-1-2.parquet", "part-1-3.parquet");
    commit("part-0-1.parquet", "part-1-3.parquet");
    assertThat(files())
        .containsExactly(
            "exposures/" + BATCH + ".parquet",
            "sources/" + BATCH + "/part-0-1.parquet",
            "sources/" + BATCH + "/part-1-3.parquet");
  }

  @Test
  void aBatchWithoutAStarHasItsRowsAllTheSame() throws IOException {
    stage();
    commit();
    assertThat(files()).containsExactly("exposures/" + BATCH + ".parquet");
  }

  @Test
  void whatAKilledRunLeftBeforeItsStarsWereMovedIsRemoved() throws IOException {
    stage("part-0-1.parquet");
    Path counting = Files.createDirectories(folder.resolve("_staging/" + BATCH + "/counting"));
    Files.writeString(counting.resolve("part-1-2.parquet"), "stars");
    ledger.removeLeftovers();
    assertThat(files()).isEmpty();
    stage("part-0-9.parquet");
    commit("part-0-9.parquet");
    assertThat(files()).hasSize(2);
  }

  @Test
  void starsThatWereMovedWithoutTheirRowsAreRemovedAndMeasuredAgain() throws IOException {
    Path moved = Files.createDirectories(folder.resolve("sources/" + BATCH));
    Files.writeString(moved.resolve("part-0-1.parquet"), "stars");
    ledger.removeLeftovers();
    assertThat(files()).isEmpty();
    stage("part-0-9.parquet");
    commit("part-0-9.parquet");
    assertThat(files()).contains("sources/" + BATCH + "/part-0-9.parquet").hasSize(2);
  }

  @Test
  void aBatchThatCountsIsLeftAloneWhateverStillLiesInStaging() throws IOException {
    stage("part-0-1.parquet");
    commit("part-0-1.parquet");
    List<String> counted = files();
    stage("part-0-4.parquet");
    ledger.removeLeftovers();
    assertThat(files()).isEqualTo(counted);
  }

  @Test
  void theSameImagesAreNotCountedTwice() throws IOException {
    stage("part-0-1.parquet");
    commit("part-0-1.parquet");
    List<String> counted = files();
    stage("part-0-2.parquet");
    assertThatThrownBy(() -> commit("part-0-2.parquet"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(BATCH)
        .hasMessageContaining("no two runs");
    ledger.removeLeftovers();
    assertThat(files()).isEqualTo(counted);
  }
}

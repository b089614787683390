package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.catalog.ExposureRow;
import org.starmill.catalog.ExposureStatus;
import org.starmill.catalog.Magnitudes;
import org.starmill.catalog.Samples;
import org.starmill.catalog.SourcesWriter;
import org.starmill.measure.Stars;

/** A batch counts whole or not at all, wherever the driver dies, on a disk and on a store. */
class LedgerTest {
  private static final String BATCH = Ledger.batchName(7);
  private static final String JOB = "job";

  @TempDir Path folder;
  private final Configuration hadoop = WatchedFileSystem.configuration();
  private Campaign campaign;
  private Ledger ledger;

  @BeforeEach
  void open() {
    open(WatchedFileSystem.DISK);
  }

  private void open(String scheme) {
    if (campaign != null) {
      campaign.lease().close();
    }
    Campaign.Identity identity = new Campaign.Identity("night", "generic", "abcd", "1", "now");
    campaign = Campaign.openOrPrepare(scheme + ":" + folder, identity, false, hadoop);
    if (campaign.isThere()) {
      campaign.lease().take(waits -> {});
    }
    campaign.establish();
    ledger = new Ledger(campaign, "none");
  }

  @AfterEach
  void close() {
    WatchedFileSystem.watch(changed -> {});
    campaign.lease().close();
  }

  /** Writes a file as a task does: the stars of an image. */
  private String stage(String name, long image, int stars) throws IOException {
    org.apache.hadoop.fs.Path file =
        new org.apache.hadoop.fs.Path(ledger.staged(JOB), name + ".parquet");
    try (SourcesWriter writer = new SourcesWriter(file, hadoop, "none", 2)) {
      Stars some = Samples.stars(stars, image);
      Magnitudes magnitudes = Magnitudes.of(some, 30, Double.NaN);
      writer.write(image, some, null, null, magnitudes.mag(), magnitudes.magErr());
    }
    return file.getName();
  }

  private static ExposureRow row(long image, ExposureStatus status, int stars) {
    ExposureRow row = ExposureRow.of(Samples.identity(image, "a.fits", 0));
    if (stars > 0) {
      row = row.withFacts(Samples.facts()).withMeasured(stars, Samples.summary(), "java");
    }
    return status == ExposureStatus.OK ? row : row.with(status, "no such thing: really");
  }

  /** Images 7, good, 8, partial, and 9, failed; the attempt that lost has measured 7 as well. */
  private void commitThree() throws IOException {
    stage("part-0-0", 7, 70);
    ledger.commit(
        JOB,
        BATCH,
        List.of(stage("part-0-1", 7, 70), stage("part-1-2", 8, 80)),
        List.of(
            row(7, ExposureStatus.OK, 70),
            row(8, ExposureStatus.PARTIAL, 80),
            row(9, ExposureStatus.FAILED, 0)));
  }

  private void replaceTwo() throws IOException {
    ledger.replace(
        JOB,
        BATCH,
        List.of(stage("part-0-3", 8, 81), stage("part-0-4", 9, 90)),
        List.of(row(8, ExposureStatus.OK, 81), row(9, ExposureStatus.OK, 90)));
  }

  /** What a plain reader of all Parquet files of a table finds: rows of each image. */
  private SortedMap<Long, Integer> read(String table) throws IOException {
    SortedMap<Long, Integer> rows = new TreeMap<>();
    for (Path file : SmallNight.filesBelow(folder.resolve(table))) {
      if (file.toString().endsWith(".parquet")) {
        try (ParquetReader<Group> reader =
            ParquetReader.builder(
                    new GroupReadSupport(), new org.apache.hadoop.fs.Path(file.toUri()))
                .build()) {
          for (Group row = reader.read(); row != null; row = reader.read()) {
            rows.merge(row.getLong("exposure_id", 0), 1, Integer::sum);
          }
        }
      }
    }
    return rows;
  }

  private List<String> files() {
    return SmallNight.filesBelow(folder).stream()
        .map(file -> folder.relativize(file).toString())
        .filter(file -> !file.equals("campaign.json") && !file.startsWith("_lease/"))
        .sorted()
        .toList();
  }

  private static final Map<Long, Integer> NOTHING = Map.of();
  private static final Map<Long, Integer> THREE = Map.of(7L, 1, 8L, 1, 9L, 1);
  private static final Map<Long, Integer> STARS = Map.of(7L, 70, 8L, 80);
  private static final Map<Long, Integer> NEW_STARS = Map.of(7L, 70, 8L, 81, 9L, 90);

  @Test
  void onlyTheFilesOfAttemptsThatWonAreCounted() throws IOException {
    commitThree();
    ledger.removeStaged(JOB);
    assertThat(files())
        .containsExactly("exposures/" + BATCH + ".parquet", "sources/" + BATCH + "/stars.parquet");
    assertThat(read("sources")).isEqualTo(STARS);
    assertThat(read("exposures")).isEqualTo(THREE);
  }

  @Test
  void aBatchWithoutAStarHasItsRowsAllTheSame() throws IOException {
    ledger.commit(JOB, BATCH, List.of(), List.of(row(7, ExposureStatus.FAILED, 0)));
    ledger.removeStaged(JOB);
    assertThat(files()).containsExactly("exposures/" + BATCH + ".parquet");
  }

  @Test
  void anImageThatHasLostItsStarsLeavesNoneBehind() throws IOException {
    ledger.commit(
        JOB, BATCH, List.of(stage("a", 7, 70)), List.of(row(7, ExposureStatus.PARTIAL, 70)));
    ledger.replace(JOB, BATCH, List.of(), List.of(row(7, ExposureStatus.FAILED, 0)));
    assertThat(read("sources")).isEmpty();
    assertThat(read("exposures")).isEqualTo(Map.of(7L, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {WatchedFileSystem.DISK, WatchedFileSystem.STORE})
  void aReaderFindsANewBatchWholeOrNotAtAllAtAnyMoment(String scheme) throws IOException {
    open(scheme);
    int[] moments = new int[1];
    WatchedFileSystem.watch(
        changed -> {
          moments[0]++;
          assertThat(read("sources")).isIn(NOTHING, STARS);
          assertThat(read("exposures")).isIn(NOTHING, THREE);
          if (!read("exposures").isEmpty()) {
            assertThat(read("sources")).isEqualTo(STARS);
          }
        });
    commitThree();
    assertThat(moments[0]).isGreaterThan(10);
    assertThat(read("exposures")).isEqualTo(THREE);
  }

  @ParameterizedTest
  @ValueSource(strings = {WatchedFileSystem.DISK, WatchedFileSystem.STORE})
  void aReaderFindsFormerRowsOrNewOnesAtAnyMoment(String scheme) throws IOException {
    open(scheme);
    commitThree();
    WatchedFileSystem.watch(
        changed -> {
          assertThat(read("sources")).isIn(STARS, NEW_STARS);
          assertThat(read("exposures")).isEqualTo(THREE);
        });
    replaceTwo();
    assertThat(read("sources")).isEqualTo(NEW_STARS);
  }

  @Tag("full")
  @ParameterizedTest
  @ValueSource(strings = {WatchedFileSystem.DISK, WatchedFileSystem.STORE})
  void aDriverThatDiesAtAnyMomentOfACommitLosesNothingAndDoublesNothing(String scheme)
      throws IOException {
    int decided = 0;
    List<Boolean> kept = new ArrayList<>();
    for (int moment = 0; dies(moment, scheme, this::commitThree); moment++) {
      open(scheme);
      ledger.recover();
      boolean counts = !read("exposures").isEmpty();
      assertThat(read("exposures")).isEqualTo(counts ? THREE : NOTHING);
      assertThat(read("sources")).isEqualTo(counts ? STARS : NOTHING);
      if (!counts) {
        commitThree();
        ledger.removeStaged(JOB);
      }
      assertThat(files()).hasSize(2);
      kept.add(counts);
      decided += counts ? 1 : 0;
      clear();
    }
    assertThat(kept).isSorted();
    assertThat(decided).isBetween(3, kept.size() - 3);
  }

  @Tag("full")
  @ParameterizedTest
  @ValueSource(strings = {WatchedFileSystem.DISK, WatchedFileSystem.STORE})
  void aDriverThatDiesAtAnyMomentOfAReplacementKeepsTheFormerRowsOrHasTheNewOnes(String scheme)
      throws IOException {
    List<Boolean> replaced = new ArrayList<>();
    open(scheme);
    commitThree();
    ledger.removeStaged(JOB);
    for (int moment = 0; dies(moment, scheme, this::replaceTwo); moment++) {
      assertThat(read("sources")).isIn(STARS, NEW_STARS);
      assertThat(read("exposures")).isEqualTo(THREE);
      open(scheme);
      ledger.recover();
      assertThat(read("exposures")).isEqualTo(THREE);
      assertThat(read("sources")).isIn(STARS, NEW_STARS);
      assertThat(files()).hasSize(2);
      replaced.add(read("sources").equals(NEW_STARS));
      clear();
      open(scheme);
      commitThree();
      ledger.removeStaged(JOB);
    }
    assertThat(replaced).isSorted().contains(true, false);
  }

  private interface Work {
    void run() throws IOException;
  }

  /** Does the work; whether the driver has died of it, at the change with that number. */
  private boolean dies(int moment, String scheme, Work work) throws IOException {
    open(scheme);
    int[] left = {moment};
    WatchedFileSystem.watch(
        changed -> {
          if (left[0]-- <= 0) {
            throw new IOException("killed before " + changed.getName());
          }
        });
    boolean died = false;
    try {
      work.run();
    } catch (IOException killed) {
      died = true;
    } finally {
      WatchedFileSystem.watch(changed -> {});
    }
    return died;
  }

  private void clear() throws IOException {
    campaign.lease().close();
    for (String table : List.of("sources", "exposures")) {
      campaign.fileSystem().delete(new org.apache.hadoop.fs.Path(campaign.folder(), table), true);
    }
  }

  @Test
  void starsThatAnEarlierVersionMovedWithoutTheirRowsAreRemoved() throws IOException {
    Path moved = Files.createDirectories(folder.resolve("sources/" + BATCH));
    Files.writeString(moved.resolve("part-0-1.parquet"), "stars");
    assertThat(ledger.recover())
        .containsExactly("removed sources/" + BATCH + ", which has no exposures");
    assertThat(files()).isEmpty();
  }

  @Test
  void whatIsLeftInStagingIsNamedAndRemovedAndWhatCountsIsLeftAlone() throws IOException {
    commitThree();
    stage("part-0-9", 7, 70);
    assertThat(ledger.recover()).containsExactly("removed _staging/" + campaign.lease().id());
    assertThat(files()).hasSize(2);
    assertThat(read("sources")).isEqualTo(STARS);
    assertThat(ledger.recover()).isEmpty();
  }

  @Test
  void theSameImagesAreNotCountedTwice() throws IOException {
    commitThree();
    assertThatThrownBy(this::commitThree)
        .isInstanceOf(IOException.class)
        .hasMessageContaining(BATCH)
        .hasMessageContaining("no two runs");
    assertThat(read("sources")).isEqualTo(STARS);
  }

  @Test
  void aBatchOfSeveralFilesCannotBeReplacedAndIsNotTouched() throws IOException {
    commitThree();
    Path stars = folder.resolve("sources/" + BATCH);
    Files.move(stars.resolve("stars.parquet"), stars.resolve("part-0-1.parquet"));
    List<String> before = files();
    assertThatThrownBy(this::replaceTwo)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("several files")
        .hasMessageContaining("--output");
    assertThat(files()).containsAll(before);
    assertThat(read("exposures")).isEqualTo(THREE);
  }
}

package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Full and read-only disks, clocks that jump, and more bad frames than good ones. */
@Tag("full")
class DisturbedCampaignTest {
  private static final int IMAGES = 4;

  @TempDir static Path folder;
  private static Path night;
  private static Path undisturbed;

  @BeforeAll
  static void simulate() {
    night = folder.resolve("night");
    SmallNight.simulate(night, IMAGES);
    undisturbed = folder.resolve("undisturbed");
    SmallNight.run(night, undisturbed);
    WatchedFileSystem.register(SmallNight.spark().sparkContext().hadoopConfiguration());
  }

  @AfterEach
  void endWatching() {
    WatchedFileSystem.watch(changed -> {});
  }

  private static void runOn(String scheme, Path output) {
    new CampaignRun(
            SmallNight.spark(),
            SmallNight.request(night.toString(), scheme + ":" + output, "batch.images=1"),
            SmallNight.SILENCE)
        .run();
  }

  /** Every image with a row that counts has its stars, and there are no others. */
  private static void assertOnlyWholeBatches(Path output) {
    if (SmallNight.filesBelow(output.resolve("exposures")).isEmpty()) {
      assertThat(SmallNight.filesBelow(output.resolve("sources"))).isEmpty();
      return;
    }
    long rows =
        SmallNight.exposures(output)
            .agg(org.apache.spark.sql.functions.sum("n_stars"))
            .head()
            .getLong(0);
    assertThat(SmallNight.sources(output).count()).isEqualTo(rows);
  }

  @Test
  void aDiskThatIsFullEndsTheRunInOneLineAndTheNextRunGoesOn() {
    for (String moment : List.of("part-", "rows.parquet", "stars.parquet")) {
      assertFullDiskEndsTheRun(WatchedFileSystem.DISK, moment);
    }
    assertFullDiskEndsTheRun(WatchedFileSystem.STORE, "stars.parquet");
  }

  /** With the fourth change of such a file nothing can be written any more. */
  private static void assertFullDiskEndsTheRun(String scheme, String moment) {
    Path output = folder.resolve("full " + scheme + " " + moment);
    int[] met = {0};
    WatchedFileSystem.watch(
        changed -> {
          if (changed.getName().contains(moment)) {
            met[0]++;
          }
          // To remove a file needs no room: the lease can be given back.
          if (met[0] > 3 && !changed.toString().contains("/_lease/")) {
            throw new IOException("No space left on device");
          }
        });
    assertThatThrownBy(() -> runOn(scheme, output))
        .as(moment)
        .isInstanceOf(CampaignStopped.class)
        .hasMessageContaining("No space left on device")
        .hasMessageContaining("give the command again");
    assertThat(met[0]).isGreaterThan(3);
    WatchedFileSystem.watch(changed -> {});
    runOn(scheme, output);
    SmallNight.assertSameCatalog(output, undisturbed);
    assertOnlyWholeBatches(output);
  }

  /** A disk that, once it is full, does not tell either which frames were in work. */
  public static final class Unlistable extends WatchedFileSystem {
    private static volatile boolean full;

    @Override
    String scheme() {
      return "unlistable";
    }

    @Override
    public FileStatus[] listStatus(org.apache.hadoop.fs.Path path) throws IOException {
      if (full && path.getName().equals("_working")) {
        throw new IOException("Input/output error");
      }
      return super.listStatus(path);
    }
  }

  @Test
  void theFirstFailureIsReportedThoughAnotherFollowsIt() {
    SmallNight.spark()
        .sparkContext()
        .hadoopConfiguration()
        .set("fs.unlistable.impl", Unlistable.class.getName());
    WatchedFileSystem.watch(
        changed -> {
          // A file of stars, not one of the plan.
          if (changed.toString().contains("/batch-") && changed.getName().startsWith("part-")) {
            Unlistable.full = true;
            throw new IOException("No space left on device");
          }
        });
    assertThatThrownBy(() -> runOn("unlistable", folder.resolve("unlistable")))
        .isInstanceOf(CampaignStopped.class)
        .hasMessageContaining("No space left on device")
        .satisfies(
            stopped ->
                assertThat(stopped.getSuppressed())
                    .singleElement()
                    .satisfies(second -> assertThat(second).hasMessage("Input/output error")));
  }

  @Test
  void aRealDiskThatIsFullDoesTheSame() throws Exception {
    Path disk = Files.createDirectories(folder.resolve("disk"));
    assumeTrue(mount("-t", "tmpfs", "-o", "size=2500k", "none", disk), "no tmpfs can be mounted");
    try {
      Path output = disk.resolve("catalog");
      SmallNight.run(new RunScope(List.of(), 1, false), night, output, "batch.images=1");
      Path filler = disk.resolve("filler");
      Files.write(filler, new byte[(int) disk.toFile().getUsableSpace() - 8_192]);
      assertThatThrownBy(() -> SmallNight.run(night, output, "batch.images=1"))
          .isInstanceOfAny(CampaignStopped.class, Refused.class)
          .hasMessageContaining("No space left on device");
      assertOnlyWholeBatches(output);
      Files.delete(filler);
      assertThat(mount("-o", "remount,ro", disk)).isTrue();
      assertThatThrownBy(() -> SmallNight.run(night, output, "batch.images=1"))
          .isInstanceOf(Refused.class)
          .hasMessageContaining("cannot be written")
          .hasMessageContaining("Read-only file system");
      assertThat(mount("-o", "remount,rw,size=9m", disk)).isTrue();
      SmallNight.run(night, output, "batch.images=1");
      SmallNight.assertSameCatalog(output, undisturbed);
    } finally {
      new ProcessBuilder("umount", disk.toString()).start().waitFor();
    }
  }

  private static boolean mount(Object... arguments) {
    List<String> command = new java.util.ArrayList<>(List.of("mount"));
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    try {
      return new ProcessBuilder(command).start().waitFor() == 0;
    } catch (IOException | InterruptedException noMount) {
      return false;
    }
  }

  @Test
  void anOutputThatCanOnlyBeReadIsRefusedAtOnce() {
    Path output = folder.resolve("read-only");
    WatchedFileSystem.watch(
        changed -> {
          throw new IOException("Read-only file system");
        });
    assertThatThrownBy(() -> runOn(WatchedFileSystem.DISK, output))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("--output")
        .hasMessageContaining("Read-only file system");
    assertThat(SmallNight.filesBelow(output)).isEmpty();
  }

  @Test
  void filesOfAnyDateAreGoneOnFrom() throws IOException {
    Path output = folder.resolve("clock");
    SmallNight.run(new RunScope(List.of(), 2, false), night, output, "batch.images=1");
    String[] dates = {"1970-01-02T00:00:00Z", "2999-01-01T00:00:00Z"};
    int file = 0;
    for (Path path : SmallNight.filesBelow(output)) {
      Files.setLastModifiedTime(path, FileTime.from(Instant.parse(dates[file++ % 2])));
    }
    SmallNight.run(night, output, "batch.images=1");
    SmallNight.assertSameCatalog(output, undisturbed);
  }

  @Test
  void twoHundredBadFramesAmongThreeHundredAreRowsAndTheGoodOnesAreMeasured() throws IOException {
    Path many = Files.createDirectories(folder.resolve("many"));
    byte[] good = Files.readAllBytes(night.resolve("sci_000001_g.fits"));
    for (Path file : SmallNight.filesBelow(night)) {
      if (file.getFileName().toString().matches("(bias|flat).*fits")) {
        Files.copy(file, many.resolve(file.getFileName()));
      }
    }
    for (int i = 0; i < 300; i++) {
      byte[] bytes =
          switch (i % 6) {
            case 0 -> Arrays.copyOf(good, good.length / 2);
            case 1 -> "this is no FITS file".getBytes();
            case 2 -> new byte[0];
            case 3 -> Arrays.copyOf(good, 2_000);
            default -> good;
          };
      Files.write(many.resolve("frame_%03d.fits".formatted(i)), bytes);
    }
    Path output = folder.resolve("catalog of many");
    SmallNight.run(many, output);
    List<Row> counts =
        SmallNight.exposures(output).groupBy("status").count().orderBy("status").collectAsList();
    assertThat(counts).extracting(row -> row.getString(0)).containsExactly("failed", "ok");
    assertThat(counts).extracting(row -> row.getLong(1)).containsExactly(200L, 100L);
    assertThat(SmallNight.exposures(output).filter("status = 'failed' and reason is null").count())
        .isZero();
    assertThat(SmallNight.exposures(output).filter("reason like 'internal error%'").count())
        .isZero();
    assertOnlyWholeBatches(output);
  }
}

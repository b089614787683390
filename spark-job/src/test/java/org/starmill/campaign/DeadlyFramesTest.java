package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Frames that hang, and frames that have ended the process of an earlier run. */
class DeadlyFramesTest {
  @TempDir static Path folder;
  private static Path night;

  @BeforeAll
  static void simulate() {
    TrapFileSystem.register(SmallNight.spark().sparkContext().hadoopConfiguration());
    night = folder.resolve("night");
    SmallNight.simulate(night, 4);
  }

  /** The night with one of its frames as deadly as its new name says. */
  private static Path nightWith(String name) throws IOException {
    Path copy = Files.createDirectories(folder.resolve("night with " + name));
    for (Path file : SmallNight.filesBelow(night)) {
      if (file.toString().endsWith(".fits")) {
        String plain = file.getFileName().toString();
        Files.copy(
            file,
            copy.resolve(plain.equals("sci_000002_g.fits") ? name : plain),
            StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return copy;
  }

  private static void run(Path input, Path output, String... settings) {
    CampaignRequest request = SmallNight.request(input, output, settings);
    new CampaignRun(
            SmallNight.spark(),
            new CampaignRequest(
                List.of(TrapFileSystem.path(input)),
                request.output(),
                request.campaignId(),
                request.config(),
                request.instrument()),
            SmallNight.SILENCE)
        .run();
  }

  private static long idOf(Path output, String name) {
    return new Plan(
            SmallNight.spark(),
            Campaign.open(
                output.toString(), SmallNight.spark().sparkContext().hadoopConfiguration()))
        .frames()
        .filter("path like '%/" + name + "'")
        .head()
        .getAs("exposure_id");
  }

  private static String reason(Path output, String name) {
    Row row =
        SmallNight.exposures(output).filter("path like '%/" + name + "'").select("reason").head();
    return row.getString(0);
  }

  private static Set<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.contains("at an image") || name.contains("reading ahead"))
        .collect(Collectors.toSet());
  }

  @Test
  void aFrameThatHangsEndsAsARowAndTheOthersOfItsTaskAreMeasured() throws IOException {
    Path input = nightWith("sci_000002_hangs.fits");
    Path output = folder.resolve("catalog of a frame that hangs");
    run(input, output, "batch.time-limit=8", "device.read-ahead=true");
    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "sci_000001_g.fits ok",
            "sci_000002_hangs.fits failed time limit",
            "sci_000003_g.fits ok",
            "sci_000004_g.fits ok");
    assertThat(reason(output, "sci_000002_hangs.fits"))
        .contains("sci_000002_hangs.fits was in work for more than 8 s", "batch.time-limit");
    assertThat(threads()).as("threads left behind").isEmpty();
    assertThat(output.resolve("_working")).doesNotExist();
  }

  @Test
  @Tag("full")
  void aFrameThatDoesNotEvenHearThatItIsToStopIsLeftBehindWithItsThread() throws Exception {
    Path input = nightWith("sci_000002_deaf.fits");
    Path output = folder.resolve("catalog of a deaf frame");
    try {
      run(input, output, "batch.time-limit=6");
      assertThat(SmallNight.ledger(output))
          .containsExactly(
              "sci_000001_g.fits ok",
              "sci_000002_deaf.fits failed time limit",
              "sci_000003_g.fits ok",
              "sci_000004_g.fits ok");
      assertThat(reason(output, "sci_000002_deaf.fits")).contains("TrapFileSystem.open");
      assertThat(threads()).as("threads left behind").hasSize(1);
    } finally {
      TrapFileSystem.DEAF.countDown();
    }
    long end = System.nanoTime() + 10_000_000_000L;
    while (!threads().isEmpty() && System.nanoTime() < end) {
      Thread.sleep(10);
    }
    assertThat(threads()).as("threads once they heard").isEmpty();
    assertThat(SmallNight.sources(output).select("exposure_id").distinct().count()).isEqualTo(3);
  }

  /** An empty campaign whose first runs were killed with marks of this frame in its folder. */
  private static Path killedBefore(Path input, String name, String... ends) throws IOException {
    Path output = folder.resolve("catalog of " + name + ", lost in " + String.join(" ", ends));
    CampaignRequest request = SmallNight.request(input, output);
    new CampaignRun(
            SmallNight.spark(),
            new CampaignRequest(
                List.of(TrapFileSystem.path(input)),
                output.toString(),
                "night",
                request.config(),
                request.instrument()),
            SmallNight.SILENCE)
        .plan();
    Path working = Files.createDirectories(output.resolve("_working"));
    int attempt = 40;
    for (String end : ends) {
      Files.createFile(working.resolve("%d.%s.%d".formatted(idOf(output, name), end, attempt++)));
    }
    return output;
  }

  @Test
  void aFrameThatEndedItsProcessTwiceIsSetAsideAndNotOpenedAgain() throws IOException {
    Path input = nightWith("sci_000002_halts.fits");
    Path output =
        killedBefore(input, "sci_000002_halts.fits", "0badcaf0.driver", "0badcaf1.driver");
    // This JVM would be halted.
    run(input, output);
    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "sci_000001_g.fits ok",
            "sci_000002_halts.fits failed process ended",
            "sci_000003_g.fits ok",
            "sci_000004_g.fits ok");
    assertThat(reason(output, "sci_000002_halts.fits"))
        .contains("2 times while it worked on", "sci_000002_halts.fits");
    assertThat(output.resolve("_working")).doesNotExist();
  }

  @Test
  void aFrameThatWasInWorkOnceWhenItsProcessEndedIsTriedAgainAfterAllOthersAreSafe()
      throws IOException {
    Path input = nightWith("sci_000002_good.fits");
    Path output = killedBefore(input, "sci_000002_good.fits", "0badcaf0.driver");
    run(input, output);
    assertThat(SmallNight.ledger(output)).hasSize(4).allMatch(row -> row.endsWith(" ok"));
    Path batches = output.resolve("exposures");
    try (var files = Files.list(batches)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .hasSize(2)
          .contains(Ledger.batchName(idOf(output, "sci_000002_good.fits")) + ".parquet");
    }
    assertThat(output.resolve("_working")).doesNotExist();
  }

  @Test
  void aFrameThatTwoExecutorsHadInWorkWhenTheirRunEndedWasLostOnce() throws IOException {
    Path input = nightWith("sci_000002_twin.fits");
    Path output = killedBefore(input, "sci_000002_twin.fits", "0badcaf0.0", "0badcaf0.1");
    run(input, output);
    assertThat(SmallNight.ledger(output)).hasSize(4).allMatch(row -> row.endsWith(" ok"));
  }

  @Test
  void anExecutorThatLeftBeforeItsRunEndedCountsByItself() throws IOException {
    Path input = nightWith("sci_000002_halts.fits");
    Path output = killedBefore(input, "sci_000002_halts.fits", "0badcaf0.0", "0badcaf0.1");
    Files.createFile(output.resolve("_working").resolve("gone.0badcaf0.0"));
    // This JVM would be halted.
    run(input, output);
    assertThat(SmallNight.ledger(output)).contains("sci_000002_halts.fits failed process ended");
  }
}

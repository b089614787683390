package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The driver is killed as kill -9 does it, in the middle of its work. */
@Tag("full")
class KilledRunTest {
  private static final int IMAGES = 12;
  private static final long PATIENCE_SECONDS = 240;

  @TempDir Path folder;

  @Test
  void aKilledRunGoesOnAndEndsWithTheRowsOfAnUndisturbedOne() throws Exception {
    Path input = folder.resolve("night");
    SmallNight.simulate(input, IMAGES);
    Path killed = folder.resolve("killed");
    killOnceSomeBatchesCount(input, killed);
    long doneWhenKilled = SmallNight.exposures(killed).count();
    assertThat(doneWhenKilled).isBetween(1L, IMAGES - 1L);
    // What a task had half written, and stars that were moved but never counted.
    Files.createDirectories(killed.resolve("_staging/batch-000000000009/sources"));
    Path orphan = Files.createDirectories(killed.resolve("sources/batch-000000999999"));
    try (var parts = Files.walk(killed.resolve("sources"))) {
      Path part = parts.filter(file -> file.toString().endsWith(".parquet")).findFirst().get();
      Files.copy(part, orphan.resolve("part-00000-1.parquet"));
    }

    SmallNight.run(input, killed, "batch.images=1");
    Path undisturbed = folder.resolve("undisturbed");
    SmallNight.run(input, undisturbed, "batch.images=5");

    assertThat(SmallNight.exposures(killed).count()).isEqualTo(IMAGES);
    SmallNight.assertSameCatalog(killed, undisturbed);
    assertThat(killed.resolve("_staging")).doesNotExist();
  }

  private void killOnceSomeBatchesCount(Path input, Path output) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Dspark.master=local[2]",
                "-Djava.awt.headless=true",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                "org.starmill.cli.Starmill"));
    command.addAll(
        List.of(
            "run",
            "--input",
            input.toString(),
            "--output",
            output.toString(),
            "--campaign",
            "night",
            "--device",
            "java",
            "--set",
            "batch.images=1"));
    File log = folder.resolve("killed.log").toFile();
    Process run = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    try {
      while (batches(output) < 2) {
        assertThat(run.isAlive()).as("log: %s", Files.readString(log.toPath())).isTrue();
        assertThat(System.nanoTime()).as("still no batch after minutes").isLessThan(end);
        Thread.sleep(20);
      }
    } finally {
      run.destroyForcibly();
    }
    assertThat(run.waitFor()).as("exit code of a killed process").isNotZero();
  }

  private static long batches(Path output) throws IOException {
    Path exposures = output.resolve("exposures");
    if (!Files.exists(exposures)) {
      return 0;
    }
    try (var files = Files.list(exposures)) {
      return files.filter(file -> file.toString().endsWith(".parquet")).count();
    }
  }
}

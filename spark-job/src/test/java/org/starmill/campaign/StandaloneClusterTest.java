package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A campaign on a standalone cluster, with speculation: an executor is killed as kill -9 does it,
 * another one stands still, the driver is killed, and the same command goes on.
 */
@Tag("full")
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class StandaloneClusterTest {
  private static final int IMAGES = 60;
  private static final int IMAGES_OF_A_BATCH = 10;
  private static final long PATIENCE_MINUTES = 8;

  /** A frame in work: its number, run, executor and attempt. */
  private static final Pattern MARK = Pattern.compile("\\d+\\.[0-9a-f]{8}\\.(\\d+)\\.\\d+");

  private static final String EXECUTOR = "CoarseGrainedExecutorBackend";

  @TempDir static Path folder;
  private static Path night;
  private static Path undisturbed;
  private static StandaloneCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    for (String program : List.of("bash", "ps", "nohup")) {
      assumeTrue(
          Stream.of(System.getenv("PATH").split(":"))
              .anyMatch(bin -> Files.isExecutable(Path.of(bin, program))),
          "there is no " + program + " here, which the scripts of deploy/standalone need");
    }
    night = folder.resolve("night");
    SmallNight.simulate(night, IMAGES);
    undisturbed = folder.resolve("undisturbed");
    SmallNight.run(night, undisturbed);
    cluster = new StandaloneCluster(folder);
  }

  @AfterAll
  static void stop() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void inClientModeNeitherDeadExecutorsNorADeadDriverChangeARow() throws Exception {
    Path output = folder.resolve("client");
    Path log = folder.resolve("client.log");
    Process run = start("client", output, log);
    try {
      loseExecutors(run, log, output);
      run.destroyForcibly();
      assertThat(run.waitFor()).as("exit code of a killed process").isNotZero();
    } finally {
      run.destroyForcibly();
      endExecutors();
    }
    goOn("client", output);
  }

  @Test
  void inClusterModeNeitherDeadExecutorsNorADeadDriverChangeARow() throws Exception {
    Path output = folder.resolve("cluster-mode");
    Path log = folder.resolve("cluster-mode.log");
    Process run = start("cluster", output, log);
    try {
      loseExecutors(run, log, output);
      List<ProcessHandle> drivers = cluster.processes("DriverWrapper");
      assertThat(drivers).hasSize(1);
      drivers.get(0).destroyForcibly();
      ChildRun.Ended ended = ChildRun.ended(run, log, PATIENCE_MINUTES);
      assertThat(ended.exitCode()).as(ended.log()).isEqualTo(1);
      assertThat(ended.log())
          .containsPattern("starmill: driver-\\S+ is FAILED, not FINISHED")
          .contains("the same command goes on");
    } finally {
      run.destroyForcibly();
      endExecutors();
    }
    goOn("cluster", output);
  }

  private static Process start(String mode, Path output, Path log) throws IOException {
    List<String> submit = new ArrayList<>(List.of("--deploy-mode", mode));
    submit.addAll(List.of("--properties-file", "conf/spark-defaults/standalone.conf"));
    submit.addAll(List.of("--driver-memory", "512m", "--executor-memory", "512m"));
    Path events = Files.createDirectories(eventsOf(output));
    for (String setting :
        List.of(
            "spark.executor.cores=1",
            // Both of a worker, so that each executor has one for itself.
            "spark.executor.resource.gpu.amount=2",
            "spark.task.resource.gpu.amount=1",
            "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1",
            // As in this JVM. The compiler of that level makes no vector instructions.
            "spark.executor.defaultJavaOptions=-Dstarmill.vectors=false",
            "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1",
            "spark.sql.shuffle.partitions=2",
            "spark.ui.enabled=false",
            "spark.locality.wait=0",
            // So that it really happens; that there is speculation says the file.
            "spark.speculation.interval=50ms",
            "spark.speculation.quantile=0.1",
            "spark.speculation.multiplier=1.1",
            "spark.speculation.minTaskRuntime=100ms",
            "spark.eventLog.enabled=true",
            "spark.eventLog.rolling.enabled=false",
            "spark.eventLog.compress=false",
            "spark.eventLog.dir=" + events.toUri())) {
      submit.addAll(List.of("--conf", setting));
    }
    return cluster.starmill(
        log,
        submit,
        List.of(
            "run",
            "--input",
            night.toString(),
            "--output",
            output.toString(),
            "--campaign",
            "night",
            "--device",
            "java",
            "--set",
            "batch.images=" + IMAGES_OF_A_BATCH));
  }

  private static Path eventsOf(Path output) {
    return folder.resolve("events-of-" + output.getFileName());
  }

  /** Kills an executor in mid-task, and later stops one in mid-task until its batch counts. */
  private static void loseExecutors(Process run, Path log, Path output) throws Exception {
    ProcessHandle killed = stoppedInMidTask(run, log, output);
    killed.destroyForcibly();
    long before = batches(output);
    StandaloneCluster.waitWhile(
        run, log, "no batch after an executor was killed", () -> batches(output) > before);
    ProcessHandle stopped = stoppedInMidTask(run, log, output);
    long atStop = batches(output);
    // Its task can only end by a second attempt of the other executor.
    StandaloneCluster.waitWhile(
        run, log, "no batch beside an executor that stands", () -> batches(output) > atStop);
    assertThat(stopped.isAlive()).isTrue();
    assertThat(batches(output)).isLessThan(IMAGES / IMAGES_OF_A_BATCH);
  }

  /** Stops an executor while it has a frame in work. */
  private static ProcessHandle stoppedInMidTask(Process run, Path log, Path output)
      throws Exception {
    ProcessHandle[] stopped = {null};
    StandaloneCluster.waitWhile(
        run, log, "no executor with a frame in work", () -> stopInMidTask(output, stopped));
    return stopped[0];
  }

  private static boolean stopInMidTask(Path output, ProcessHandle[] stopped) throws Exception {
    for (Path mark : SmallNight.filesBelow(output.resolve("_working"))) {
      Matcher parts = MARK.matcher(mark.getFileName().toString());
      if (!parts.matches()) {
        continue;
      }
      for (ProcessHandle executor : cluster.processes("--executor-id " + parts.group(1) + " ")) {
        StandaloneCluster.signal("STOP", executor);
        if (Files.exists(mark)) {
          stopped[0] = executor;
          return true;
        }
        StandaloneCluster.signal("CONT", executor);
      }
    }
    return false;
  }

  private static long batches(Path output) throws IOException {
    Path exposures = output.resolve("exposures");
    if (!Files.exists(exposures)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(exposures)) {
      return files.filter(file -> file.toString().endsWith(".parquet")).count();
    }
  }

  /** Those that stand still do not hear that their driver is gone. */
  private static void endExecutors() throws Exception {
    for (ProcessHandle executor : cluster.processes(EXECUTOR)) {
      executor.destroyForcibly();
      executor.onExit().get(1, TimeUnit.MINUTES);
    }
  }

  private static void goOn(String mode, Path output) throws Exception {
    Path log = folder.resolve(mode + "-again.log");
    Process again = start(mode, output, log);
    try {
      ChildRun.Ended ended = ChildRun.ended(again, log, PATIENCE_MINUTES);
      assertThat(ended.exitCode()).as(ended.log()).isZero();
    } finally {
      again.destroyForcibly();
    }
    assertThat(SmallNight.exposures(output).count()).isEqualTo(IMAGES);
    SmallNight.assertSameCatalog(output, undisturbed);
    assertThat(output.resolve("_staging")).doesNotExist();
    assertThat(output.resolve("_working")).doesNotExist();
    assertThat(speculativeAttempts(output)).as("second attempts of slow tasks").isPositive();
  }

  private static long speculativeAttempts(Path output) throws IOException {
    long attempts = 0;
    for (Path log : SmallNight.filesBelow(eventsOf(output))) {
      try (Stream<String> events = Files.lines(log)) {
        attempts +=
            events
                .filter(event -> event.contains("SparkListenerTaskStart"))
                .filter(event -> event.contains("\"Speculative\":true"))
                .count();
      }
    }
    return attempts;
  }
}

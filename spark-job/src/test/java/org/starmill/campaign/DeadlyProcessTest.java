package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A frame that halts the JVM that measures it, as a crash of a library does. */
@Tag("full")
class DeadlyProcessTest {
  private static final String MAIN = "org.starmill.cli.Starmill";
  private static final List<String> OPTIONS =
      List.of(
          "-Dspark.master=local[2]",
          "-Dspark.hadoop." + TrapFileSystem.IMPLEMENTATION + "=" + TrapFileSystem.class.getName());

  @TempDir Path folder;

  @Test
  void aFrameThatKillsTheWholeRunTwiceIsSetAsideByTheThirdAndTheGoodOnesAreSafeBefore()
      throws Exception {
    Path night = folder.resolve("night");
    SmallNight.simulate(night, 4);
    Files.move(night.resolve("sci_000002_g.fits"), night.resolve("sci_000002_halts.fits"));
    Path output = folder.resolve("catalog");

    assertThat(run(night, output)).isEqualTo(TrapFileSystem.HALTED);
    assertThat(SmallNight.filesBelow(output.resolve("_working")))
        .as("frames in work")
        .anyMatch(mark -> mark.getFileName().toString().matches("\\d+\\..*\\.driver\\.\\d+"));
    assertThat(run(night, output)).isEqualTo(TrapFileSystem.HALTED);
    assertThat(SmallNight.ledger(output))
        .as("after the second run")
        .contains("sci_000003_g.fits ok", "sci_000004_g.fits ok")
        .noneMatch(row -> row.contains("halts"));
    assertThat(run(night, output)).isZero();

    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "sci_000001_g.fits ok",
            "sci_000002_halts.fits failed process ended",
            "sci_000003_g.fits ok",
            "sci_000004_g.fits ok");
    assertThat(output.resolve("_working")).doesNotExist();
  }

  @Test
  void aBiasFrameThatKillsTheWholeRunTwiceIsLeftOutOfItsMasterByTheThird() throws Exception {
    Path night = folder.resolve("night");
    SmallNight.simulate(night, 1);
    Files.copy(night.resolve("bias_0002.fits"), night.resolve("bias_0002_halts.fits"));
    Path output = folder.resolve("catalog");

    assertThat(run(night, output)).isEqualTo(TrapFileSystem.HALTED);
    assertThat(SmallNight.filesBelow(output.resolve("_working"))).as("frames in work").hasSize(1);
    assertThat(run(night, output)).isEqualTo(TrapFileSystem.HALTED);
    assertThat(run(night, output)).isZero();

    assertThat(SmallNight.ledger(output))
        .containsExactly("bias_0002_halts.fits failed process ended", "sci_000001_g.fits ok");
    org.apache.spark.sql.Row bias =
        SmallNight.spark()
            .read()
            .parquet(output.resolve("masters/masters.parquet").toString())
            .filter("kind = 'bias'")
            .head();
    assertThat(bias.<Integer>getAs("n_frames")).isEqualTo(3);
    assertThat(bias.<String>getList(bias.fieldIndex("rejected_reasons")))
        .singleElement()
        .asString()
        .startsWith("process ended: the process ended 2 times while it read ")
        .contains("bias_0002_halts.fits");
    assertThat(output.resolve("_working")).doesNotExist();
  }

  @Test
  void aRunThatIsAskedToEndBlamesNoFrame() throws Exception {
    Path night = folder.resolve("night");
    SmallNight.simulate(night, 2);
    Files.move(night.resolve("sci_000002_g.fits"), night.resolve("sci_000002_hangs.fits"));
    Path output = folder.resolve("catalog");
    Path log = folder.resolve("asked to end.log");
    Process run = ChildRun.start(MAIN, log, Map.of(), OPTIONS, arguments(night, output));
    try {
      while (SmallNight.filesBelow(output.resolve("_working")).isEmpty()) {
        assertThat(run.isAlive()).as("log: %s", log).isTrue();
        Thread.sleep(20);
      }
      run.destroy(); // SIGTERM
      assertThat(ChildRun.ended(run, log).exitCode()).isNotZero();
    } finally {
      run.destroyForcibly();
    }
    assertThat(SmallNight.filesBelow(output.resolve("_working"))).isEmpty();
  }

  private static List<String> arguments(Path night, Path output) {
    return List.of(
        "run",
        "--input",
        TrapFileSystem.path(night),
        "--output",
        output.toString(),
        "--campaign",
        "night",
        "--device",
        "java");
  }

  private int run(Path night, Path output) throws Exception {
    ChildRun.Ended ended = ChildRun.of(MAIN, folder, Map.of(), OPTIONS, arguments(night, output));
    assertThat(ended.exitCode()).as(ended.log()).isIn(0, TrapFileSystem.HALTED);
    return ended.exitCode();
  }
}

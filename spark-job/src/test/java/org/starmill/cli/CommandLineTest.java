package org.starmill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.starmill.cli.Ended.execute;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineTest {
  @TempDir Path folder;

  private void refuses(Ended ended, String... words) {
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.errors().strip()).hasLineCount(1).contains(words).contains("--help");
    assertThat(ended.out()).isEmpty();
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "demo",
        "simulate",
        "plan",
        "run",
        "status",
        "publish",
        "reduce",
        "devices",
        "bench"
      })
  void everyCommandExplainsItselfWithAnExample(String command) {
    Ended ended = execute(command, "--help");
    assertThat(ended.code()).isZero();
    assertThat(ended.out()).contains("Usage: starmill " + command).contains("Example:");
    assertThat(ended.out().replaceAll("(?s).*\\nExit codes:\\R", "").lines().limit(5))
        .extracting(line -> line.strip().split(" ")[0])
        .containsExactly("0", "1", "2", "3", "143");
  }

  @Test
  void aMistypedOptionIsNamedWithTheNearestRightOne() {
    refuses(
        execute("run", "--inptu", folder + "/x", "--output", folder + "/y"),
        "'--inptu'",
        "'--input'",
        "starmill run --help");
  }

  @Test
  void aMistypedCommandIsNamedWithTheNearestRightOne() {
    refuses(execute("simulat"), "'simulat'", "'simulate'");
  }

  @Test
  void anUnknownKeyIsNamedWithTheNearestRightOne() {
    refuses(
        execute("run", "--input", "x", "--output", folder + "/y", "--set", "psf.modle=moffat"),
        "'psf.modle'",
        "'psf.model'");
  }

  @Test
  void anUnknownInstrumentOrDeviceIsNamed() {
    refuses(
        execute("run", "--input", "x", "--output", folder + "/y", "--instrument", "nickle"),
        "'nickle'",
        "'nickel'");
    refuses(execute("run", "--input", "x", "--output", folder + "/y", "--device", "gpus"), "gpus");
  }

  @Test
  void aCatalogOfImpossiblePixelsIsRefused() {
    String[] always = {"publish", "--input", "x", "--output", folder + "/y"};
    refuses(execute(and(always, "--max-order", "14")), "--max-order 14", "0 to 13");
    refuses(execute(and(always, "--max-rows", "0")), "--max-rows 0", "1 or more");
    refuses(execute(and(always, "--name", "two words")), "'two words'", "letters");
  }

  private static String[] and(String[] words, String... more) {
    return Stream.concat(Arrays.stream(words), Arrays.stream(more)).toArray(String[]::new);
  }

  @Test
  void aRunThatWasStoppedIsNoInternalError() {
    String spark = "Job 3 cancelled because SparkContext was shut down";
    assertThat(Starmill.isStop(new RuntimeException(new IllegalStateException(spark)))).isTrue();
    assertThat(Starmill.isStop(new IllegalStateException("no row has a level"))).isFalse();
  }

  @Test
  void anEmptyPathIsRefusedInOneLine() {
    refuses(execute("run", "--input", "x", "--output", "", "--device", "java"), "--output ''");
    refuses(
        execute("run", "--input", "", "--output", folder + "/empty", "--device", "java"),
        "--input ''");
  }

  @Test
  void aFrameIsReducedWithoutSpark() throws Exception {
    Path night = folder.resolve("night");
    Ended simulated =
        execute(
            "simulate",
            "--out",
            night.toString(),
            "--images",
            "1",
            "--stars",
            "150",
            "--size",
            "320x300",
            "--bias",
            "3",
            "--flats",
            "3",
            "--seed",
            "5");
    assertThat(simulated.code()).as(simulated.errors()).isZero();
    Path out = folder.resolve("out");
    Ended reduced =
        execute(
            "reduce",
            night.resolve("sci_000001_g.fits").toString(),
            "--bias",
            night + "/bias_*.fits",
            "--flat",
            night + "/flat_*.fits",
            "--out",
            out.toString(),
            "--device",
            "java",
            "--repeat",
            "2",
            "--csv",
            "--json");
    assertThat(reduced.code()).as(reduced.errors()).isZero();
    assertThat(reduced.out())
        .contains("\"seconds\"", "\"read\"", "\"masters\"", "\"calibrate\"", "\"sky\"")
        .contains("\"detect\"", "\"psf\"", "\"measure\"", "\"write\"");
    try (var files = Files.list(out)) {
      assertThat(files.map(file -> file.getFileName().toString()).sorted().toList())
          .isEqualTo(List.of("calibrated.fits", "sources.csv", "sources.parquet"));
    }
    assertThat(Files.readAllLines(out.resolve("sources.csv")).get(0))
        .startsWith("exposure_id,source_id,x,y");
    assertThat(Files.readAllLines(out.resolve("sources.csv")).size()).isBetween(60, 400);

    Ended again = execute("simulate", "--out", night.toString());
    assertThat(again.code()).isEqualTo(2);
    assertThat(again.errors()).contains("not empty");
  }
}

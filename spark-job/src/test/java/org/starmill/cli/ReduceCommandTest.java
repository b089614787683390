package org.starmill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.starmill.cli.Ended.execute;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person who reduces one frame sees. */
class ReduceCommandTest {
  @TempDir static Path shared;
  @TempDir Path folder;
  private static Path night;

  @BeforeAll
  static void simulate() {
    night = shared.resolve("night 1%20");
    String numbers = "--images 1 --stars 150 --size 320x300 --bias 3 --flats 3 --seed 5";
    Ended ended =
        execute(
            Stream.concat(
                    Stream.of("simulate", "--out", night.toString()),
                    Arrays.stream(numbers.split(" ")))
                .toArray(String[]::new));
    assertThat(ended.code()).as(ended.errors()).isZero();
  }

  private static Ended reduce(String frame, String bias, String flat, String out) {
    return execute(
        "reduce", frame, "--bias", bias, "--flat", flat, "--out", out, "--device", "java");
  }

  private Ended reduce(String frame, String out) {
    return reduce(frame, night + "/bias_*.fits", night + "/flat_*.fits", out);
  }

  private static String science() {
    return night.resolve("sci_000001_g.fits").toString();
  }

  private static List<String> names(Path place) throws IOException {
    try (var files = Files.list(place)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private void refuses(Ended ended, String... words) {
    assertThat(ended.code()).as(ended.errors()).isEqualTo(2);
    assertThat(ended.errors().strip()).hasLineCount(1).contains(words);
    assertThat(ended.out()).isEmpty();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void allFilesOfAFrameAreInTheFolderThatWasNamedBlanksAndPercentSignsOrNot() throws IOException {
    Path out = folder.resolve("red 1%20 50%");
    Ended reduced = reduce(science(), out.toString());
    assertThat(reduced.code()).as(reduced.errors()).isZero();
    assertThat(names(out)).containsExactly("calibrated.fits", "sources.parquet");
    assertThat(names(folder)).containsExactly(out.getFileName().toString());
  }

  @Test
  void pathsWithTheSchemeOfFilesAreTakenEverywhere() throws IOException {
    Path out = folder.resolve("out");
    Ended reduced =
        reduce(
            "file:" + science(),
            "file:" + night + "/bias_*.fits",
            "file://" + night + "/flat_*.fits",
            "file:" + out);
    assertThat(reduced.code()).as(reduced.errors()).isZero();
    assertThat(names(out)).containsExactly("calibrated.fits", "sources.parquet");
  }

  @Test
  void aFlatAmongTheBiasFramesIsRefusedByName() throws IOException {
    String flat =
        night
            .resolve(
                names(night).stream().filter(n -> n.startsWith("flat")).findFirst().orElseThrow())
            .toString();
    String out = folder.resolve("out").toString();
    refuses(
        execute("reduce", science(), "--bias", night + "/bias_*.fits", flat, "--out", out),
        "--bias",
        flat,
        "HDU 0",
        "found a flat frame, expected bias");
    refuses(
        reduce(science(), night + "/bias_*.fits", night + "/sci_*.fits", out),
        "--flat",
        science(),
        "found a science frame, expected flat");
  }

  @Test
  void calibrationFramesOfUnknownTypeAreWhatTheOptionSays() throws IOException {
    Path untold = Files.createDirectory(shared.resolve("untold"));
    for (String name : names(night)) {
      if (name.matches("(bias|flat)_.*")) {
        String bytes = Files.readString(night.resolve(name), StandardCharsets.ISO_8859_1);
        Files.writeString(
            untold.resolve(name),
            bytes.replace("IMAGETYP=", "NOTATYPE="),
            StandardCharsets.ISO_8859_1);
      }
    }
    Path out = folder.resolve("out");
    Ended told = reduce(science(), folder.resolve("told").toString());
    Ended reduced =
        reduce(science(), untold + "/bias_*.fits", untold + "/flat_*.fits", out.toString());
    assertThat(reduced.code()).as(reduced.errors()).isZero();
    assertThat(Files.readAllBytes(out.resolve("calibrated.fits")))
        .isEqualTo(Files.readAllBytes(folder.resolve("told").resolve("calibrated.fits")));
    assertThat(told.code()).isZero();
  }

  @Test
  void aFrameThatIsNotThereIsWrongUsage() {
    String out = folder.resolve("out").toString();
    refuses(reduce(night + "/nosuch.fits", out), "FRAME", "nosuch.fits: no such file");
    refuses(reduce(science() + "/below.fits", out), "below.fits: no such file");
    refuses(reduce(night.toString(), out), "is a folder");
    refuses(reduce("nowhere://x/y.fits", out), "FRAME", "nowhere");
    refuses(
        reduce(science(), night + "/nosuch_*.fits", night + "/flat_*", out), "--bias", "nosuch");
  }

  @Test
  void aFrameThatCannotBecomeStarsLeavesNoFolder() throws IOException {
    byte[] good = Files.readAllBytes(Path.of(science()));
    Path half = Files.write(shared.resolve("half.fits"), Arrays.copyOf(good, good.length / 2));
    Ended ended = reduce(half.toString(), folder.resolve("out").toString());
    assertThat(ended.code()).as(ended.errors()).isEqualTo(3);
    assertThat(ended.errors().strip()).hasLineCount(1).contains("truncated", "half.fits");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void anOutputThatCannotBeAFolderIsWrongUsage() {
    refuses(reduce(science(), ""), "--out");
    refuses(reduce(science(), science()), "--out", "is a file");
    refuses(reduce(science(), science() + "/a/b"), "--out", "lies below the file");
    refuses(reduce(science(), "hdfs://host/a"), "--out", "hdfs");
  }
}

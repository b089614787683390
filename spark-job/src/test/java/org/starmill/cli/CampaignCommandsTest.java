package org.starmill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.starmill.cli.Ended.execute;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** What a person who runs a campaign by its commands sees, one command after the other. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CampaignCommandsTest {
  @TempDir static Path folder;
  private static String input;
  private static String output;

  private static Ended run(String... more) {
    String[] always = {"run", "-i", input, "-o", output, "--device", "java", "--strict"};
    return execute(
        Stream.concat(Arrays.stream(always), Arrays.stream(more)).toArray(String[]::new));
  }

  @BeforeAll
  static void simulate() {
    input = folder.resolve("night").toString();
    output = folder.resolve("catalog").toString();
    String numbers = "--images 1 --stars 150 --size 320x300 --bias 4 --flats 3 --seed 5";
    Ended ended =
        execute(
            Stream.concat(Stream.of("simulate", "--out", input), Arrays.stream(numbers.split(" ")))
                .toArray(String[]::new));
    assertThat(ended.code()).as(ended.errors()).isZero();
  }

  @Test
  @Order(1)
  void thePlanSaysWhatEachFrameIsTakenFor() {
    Ended planned =
        execute("plan", "-i", input, "-o", output, "--set", "masters.max-frames=3", "--estimate");
    assertThat(planned.code()).as(planned.errors()).isZero();
    assertThat(planned.out())
        .containsPattern("bias +320 x 300 +4")
        .containsPattern("science +320 x 300 +1")
        .contains("8 frames planned")
        .doesNotContain("no bias frames")
        .containsPattern("to be measured: 1 images, [0-9.]+ kB of files, 0 megapixels\n")
        .contains("expected: 192 stars (by cost.stars-megapixel), a catalog of ")
        .contains("expected on java: 0.00 core hours");
  }

  @Test
  @Order(2)
  void aStrictRunIsContentWithCalibrationFramesThatAreNotUsed() {
    Ended done = run("--set", "masters.max-frames=3");
    assertThat(done.code()).as(done.errors()).isZero();
    assertThat(done.out())
        .containsPattern("images +1\n")
        .containsPattern("failed +0\n")
        .containsPattern("frames not used +1\n")
        .contains(output);
  }

  @Test
  @Order(3)
  void aStrictRunEndsWithThreeWhereAnImageFailed() throws IOException {
    byte[] good = Files.readAllBytes(Path.of(input, "sci_000001_g.fits"));
    Files.write(Path.of(input, "sci_000002_g.fits"), Arrays.copyOf(good, good.length / 2));
    Ended done = run("--set", "masters.max-frames=3");
    assertThat(done.code()).as(done.errors()).isEqualTo(3);
    assertThat(done.out()).containsPattern("failed +1\n  truncated +1\n");
  }

  @Test
  @Order(4)
  void theStatusCountsFailuresAndFramesThatWereNotUsedApart() {
    Ended told = execute("status", "-o", output);
    assertThat(told.code()).as(told.errors()).isZero();
    assertThat(told.out())
        .contains("9 frames planned, 6 in masters, 1 ok, 0 partial, 1 failed, 1 not used, 0 to do")
        .contains(
            "2 masters built, 1 of bias and 1 of flat frames; 0 could not be, 0 with a warning")
        .contains("sci_000002_g.fits: failed: truncated: ");
    assertThat(told.out().indexOf("failed: truncated"))
        .isLessThan(told.out().indexOf("not used: not used"));
  }

  @Test
  @Order(4)
  void theStatusListsTheMastersWhereThatIsAskedFor() {
    Ended told = execute("status", "-o", output, "--masters");
    assertThat(told.code()).as(told.errors()).isZero();
    assertThat(told.out())
        .containsPattern("master +night +ccd +quadrant +filter +frames +left out +clipped +level")
        .containsPattern(
            "bias +2026-02-13 +1 +1 +- +3 +0 +[0-9,]+ +-?[0-9.]+ +0\\.[89][0-9]+ +- +-")
        .containsPattern("flat +2026-02-13 +1 +1 +g +3 +0 +[0-9,]+ +1\\.000 +0\\.00[0-9]+ +- +-");
    Ended json = execute("status", "-o", output, "--masters", "--json");
    assertThat(json.out()).containsPattern("\"list\" : ").containsPattern("\"biases\" : 1");
  }

  @Test
  @Order(5)
  void aTruncatedFrameThatWasCopiedAgainIsMeasuredOnceItIsRetried() throws IOException {
    Files.copy(
        Path.of(input, "sci_000001_g.fits"),
        Path.of(input, "sci_000002_g.fits"),
        StandardCopyOption.REPLACE_EXISTING);
    Ended untouched = run("--set", "masters.max-frames=3");
    assertThat(untouched.code()).as(untouched.errors()).isEqualTo(3);
    Ended done = run("--set", "masters.max-frames=3", "--retry", "truncated");
    assertThat(done.code()).as(done.errors()).isZero();
    assertThat(done.out()).containsPattern("images +1\n");
    Ended told = execute("status", "-o", output);
    assertThat(told.out())
        .contains("2 ok, 0 partial, 0 failed, 1 not used, 0 to do")
        .contains("version development");
    Ended wrong = run("--set", "masters.max-frames=3", "--limit", "0");
    assertThat(wrong.code()).isEqualTo(2);
    assertThat(wrong.errors().strip()).hasLineCount(1).contains("--limit 0");
  }

  @Test
  @Order(5)
  void theStatusOfAFolderWithoutACampaignIsRefused() {
    Ended told = execute("status", "-o", input);
    assertThat(told.code()).isEqualTo(2);
    assertThat(told.errors().strip()).hasLineCount(1).contains("no campaign");
  }

  @Test
  @Order(6)
  void whatWasRunIsPublished() {
    String catalog = folder.resolve("published").toString();
    Ended done = execute("publish", "-i", output, "-o", catalog, "--name", "stars");
    assertThat(done.code()).as(done.errors()).isZero();
    assertThat(done.out())
        .containsPattern("catalog +2 +0 +0 +2 +[0-9]+ +0\n")
        .containsPattern("catalog stars, publication 1: [0-9]+ stars in 1 pixels up to order 0")
        .contains(catalog);
    Ended none = execute("publish", "-i", input, "-o", catalog);
    assertThat(none.code()).isEqualTo(2);
    assertThat(none.errors().strip()).contains("no campaign", "--help");
  }
}

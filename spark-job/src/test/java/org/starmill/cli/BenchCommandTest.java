package org.starmill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.StreamSupport;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchCommandTest {
  private static final String SMALL = "bench --device java --size 300x280 --stars 250";

  @TempDir Path folder;

  private static Ended bench(String more) {
    return Ended.execute((SMALL + " " + more).split(" "));
  }

  @Test
  void everyStepOfTheWayHasItsRowOfTimes() throws IOException {
    Ended ended = bench("--repeat 1 --threads 2 --json");

    assertThat(ended.code()).as(ended.errors()).isZero();
    JsonNode speed = new ObjectMapper().readTree(ended.out());
    assertThat(speed.get("steps"))
        .extracting(step -> step.get("name").asText())
        .containsExactly(
            "master bias, 20 frames",
            "raw frame to image, variance, mask",
            "one pass: sky and detection",
            "one pass: PSF shape",
            "one pass: Moffat fit",
            "one pass: whole image",
            "all passes: sky",
            "all passes: detection",
            "all passes: PSF shape",
            "all passes: fit, apertures",
            "all passes: whole image");
    assertThat(speed.get("steps"))
        .allSatisfy(
            step -> {
              assertThat(step.get("wall_seconds").asDouble()).isPositive();
              assertThat(step.get("bandwidth_share").asDouble()).isPositive();
            });
    assertThat(speed.get("stars_measured").asInt()).isBetween(150, 300);
    assertThat(speed.get("parallel").get("threads").asInt()).isEqualTo(2);
    assertThat(speed.get("parallel").get("gain").asDouble()).isPositive();
    assertThat(speed.get("cost").get("unit").asText()).isEqualTo("core-years");
  }

  @Test
  void theTableOfAGaussianFieldSaysWhatASurveyCosts() {
    Ended ended = bench("--repeat 1 --set psf.model=gaussian");

    assertThat(ended.code()).as(ended.errors()).isZero();
    assertThat(ended.out())
        .contains("one pass: Gaussian fit", "all passes: whole image", "50,000,000 such images")
        .contains("megapixels/s", "Peak of the memory")
        .doesNotContain("at once:");
  }

  @Test
  void starsFittedOneByOneHaveTheSameFluxes() throws IOException {
    Path plot = folder.resolve("time.png");
    Ended ended = bench("--baseline --json --plot " + plot);

    assertThat(ended.code()).as(ended.errors()).isZero();
    JsonNode baseline = new ObjectMapper().readTree(ended.out());
    assertThat(baseline.get("models"))
        .extracting(model -> model.get("model").asText())
        .containsExactly("Gaussian", "Moffat");
    assertThat(baseline.get("models"))
        .allSatisfy(
            model -> {
              assertThat(model.get("compared").asInt()).isGreaterThan(20);
              assertThat(model.get("flux_difference").asDouble()).isBetween(-0.002, 0.002);
              assertThat(model.get("within").asDouble()).isGreaterThan(0.7);
              assertThat(model.get("ratio").asDouble()).isPositive();
            });
    assertThat(baseline.get("curves"))
        .extracting(curve -> curve.get("name").asText())
        .contains("java, scalar");
    assertThat(ImageIO.read(plot.toFile()).getWidth()).isGreaterThan(500);
  }

  @Test
  void aPlotWithoutTheBaselineIsRefused() {
    Ended ended = bench("--plot " + folder.resolve("time.png"));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.errors().strip()).hasLineCount(1).contains("--plot", "--baseline");
  }

  @Test
  void whatIsNoNumberOfRunsIsRefused() {
    assertThat(bench("--repeat 0").errors()).contains("--repeat 0: expected at least 1");
    assertThat(bench("--threads 0").errors()).contains("--threads 0: expected at least 1");
  }

  @Test
  void aTraceThatCannotBeWrittenIsRefusedBeforeTheWork() {
    Ended ended = bench("--trace " + folder.resolve("none/trace.json"));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.errors().strip()).hasLineCount(1).contains("--trace", "cannot be written");
  }

  @Test
  @Tag("full")
  void theBenchTracesItsRuns() throws IOException {
    Path trace = folder.resolve("trace.json");
    Ended ended = bench("--repeat 1 --threads 2 --trace " + trace);

    assertThat(ended.code()).as(ended.errors()).isZero();
    JsonNode events = new ObjectMapper().readTree(Files.readString(trace)).get("traceEvents");
    assertThat(StreamSupport.stream(events.spliterator(), false))
        .extracting(event -> event.get("name").asText())
        .contains("bench", "whole image, all passes", "sky", "StarNormalKernel", "images at once");
  }
}

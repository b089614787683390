package org.starmill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccuracyCommandTest {
  private static String[] words(String line) {
    return line.split(" ");
  }

  @Test
  void aSmallFieldIsReducedComparedAndDrawn(@TempDir Path folder) throws IOException {
    Ended ended =
        Ended.execute(
            words(
                "bench accuracy --device java --threads 1 --size 300x280 --stars 250 --seeds 1,2"
                    + " --json --csv --out "
                    + folder));

    assertThat(ended.code()).as(ended.errors()).isZero();
    JsonNode result = new ObjectMapper().readTree(ended.out());
    assertThat(result.get("device").asText()).isEqualTo("java");
    JsonNode field = result.get("fields").get(0);
    assertThat(field.get("stars").asInt()).isEqualTo(250);
    JsonNode isolated = field.get("isolated").get(0);
    assertThat(isolated.get("number").asInt()).isGreaterThan(80);
    assertThat(isolated.get("completeness").asDouble()).isGreaterThan(0.9);
    assertThat(isolated.get("pull_width").asDouble()).isBetween(0.6, 1.6);
    assertThat(field.get("cpu_seconds").get("measure").asDouble()).isPositive();
    assertThat(Files.readAllLines(folder.resolve("accuracy-250.csv")))
        .hasSizeGreaterThan(500)
        .first()
        .asString()
        .startsWith("x,y,mag,flux,bound,joint_bound,");
    for (String name : new String[] {"accuracy-pulls-250.png", "accuracy-flux-250.png"}) {
      BufferedImage picture = ImageIO.read(folder.resolve(name).toFile());
      assertThat(picture.getWidth()).isGreaterThan(1000);
      assertThat(coloured(picture)).as("pixels of points and bins in " + name).isGreaterThan(500);
    }
  }

  private static int coloured(BufferedImage picture) {
    int count = 0;
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        int rgb = picture.getRGB(x, y);
        count += Math.abs((rgb >> 16 & 255) - (rgb & 255)) > 30 ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void aTableHasARowForEachKindOfStars() {
    Ended ended =
        Ended.execute(
            words(
                "bench accuracy --device java --threads 1 --size 200x200 --stars 100 --psf coma"
                    + " --cosmic-rays 5 --trails 1 --zero-point --repeat 2"));

    assertThat(ended.code()).as(ended.errors()).isZero();
    assertThat(ended.out())
        .contains("100 stars", "isolated", "crowded", "purity above S/N 7", "CPU seconds on java");
  }

  @Test
  void aShapeThatThereIsNotIsNamedWithThoseThatThereAre() {
    Ended ended = Ended.execute(words("bench accuracy --psf airy"));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.errors()).contains("--psf airy: expected moffat, gaussian or coma");
  }

  @Test
  void aFieldWithTooFewStarsForThePsfSaysSo() {
    Ended ended =
        Ended.execute(
            words("bench accuracy --device java --threads 1 --size 200x200 --stars 1 --seeds 3"));
    assertThat(ended.code()).isEqualTo(3);
    assertThat(ended.errors()).contains("seed 3: 1 stars", "expected").doesNotContain("internal");
  }
}

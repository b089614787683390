package org.starmill.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.image.PixelFlag;
import org.starmill.measure.StarFlag;

class ImagePictureTest {
  private static final int CLEAN = 0x3ddbc4;
  private static final int FIT = 0xffb638;
  private static final int PIXELS = 0xff5d73;

  @TempDir Path folder;

  private static ImagePicture picture(
      int width, int height, float[] science, double[] x, double[] y, int[] flags) {
    float[] sky = new float[width * height];
    Arrays.fill(sky, 100f);
    float[] residual = new float[width * height];
    return new ImagePicture(
        width, height, science, sky, residual, 10, x, y, flags, "a.fits", List.of("1 star"));
  }

  private static float[] flat(int width, int height) {
    float[] science = new float[width * height];
    Arrays.fill(science, 100f);
    return science;
  }

  private static int brightness(int rgb) {
    return (rgb >> 16 & 255) + (rgb >> 8 & 255) + (rgb & 255);
  }

  private static long near(BufferedImage image, int colour) {
    long count = 0;
    for (int j = 0; j < image.getHeight(); j++) {
      for (int i = 0; i < image.getWidth(); i++) {
        int rgb = image.getRGB(i, j);
        int distance =
            Math.abs((rgb >> 16 & 255) - (colour >> 16 & 255))
                + Math.abs((rgb >> 8 & 255) - (colour >> 8 & 255))
                + Math.abs((rgb & 255) - (colour & 255));
        count += distance < 60 ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void theFirstRowOfAnImageIsAtTheBottom() {
    int width = 400;
    int height = 300;
    float[] science = flat(width, height);
    for (int j = 0; j < 100; j++) {
      Arrays.fill(science, j * width, (j + 1) * width, 1000f);
    }
    BufferedImage drawn =
        picture(width, height, science, new double[0], new double[0], new int[0]).draw(false);

    long above = 0;
    long below = 0;
    for (int j = 24; j < 24 + height; j++) {
      int value = brightness(drawn.getRGB(100, j)) > 600 ? 1 : 0;
      above += j < 24 + height / 2 ? value : 0;
      below += j >= 24 + height / 2 ? value : 0;
    }
    assertThat(above).isZero();
    assertThat(below).isGreaterThan(60);
  }

  @Test
  void aCircleStandsAroundItsStar() {
    int width = 300;
    int height = 200;
    float[] science = flat(width, height);
    int column = 220;
    int row = 30;
    science[row * width + column] = 10_000f;
    BufferedImage drawn =
        picture(
                width,
                height,
                science,
                new double[] {column},
                new double[] {row},
                new int[] {StarFlag.FITTED_WITH_NEIGHBOURS})
            .draw(false);

    double starX = 0;
    double starY = 0;
    double starCount = 0;
    double ringX = 0;
    double ringY = 0;
    double ringCount = 0;
    for (int j = 0; j < drawn.getHeight(); j++) {
      for (int i = 0; i < drawn.getWidth(); i++) {
        int rgb = drawn.getRGB(i, j) & 0xffffff;
        if (brightness(rgb) > 740) {
          starX += i;
          starY += j;
          starCount++;
        }
        if (Math.abs((rgb & 255) - (CLEAN & 255)) < 40
            && (rgb >> 16) < 110
            && (rgb >> 8 & 255) > 170) {
          ringX += i;
          ringY += j;
          ringCount++;
        }
      }
    }
    assertThat(starCount).isPositive();
    assertThat(ringCount).isGreaterThan(10);
    assertThat(ringX / ringCount)
        .isCloseTo(starX / starCount, org.assertj.core.data.Offset.offset(1.0));
    assertThat(ringY / ringCount)
        .isCloseTo(starY / starCount, org.assertj.core.data.Offset.offset(1.0));
  }

  @Test
  void aCircleTellsWhetherPixelsOrTheFitAreInTrouble() {
    double[] place = {100};
    BufferedImage clean =
        picture(200, 200, flat(200, 200), place, place, new int[] {PixelFlag.EDGE}).draw(false);
    BufferedImage fit =
        picture(200, 200, flat(200, 200), place, place, new int[] {StarFlag.NOT_CONVERGED})
            .draw(false);
    BufferedImage pixels =
        picture(
                200,
                200,
                flat(200, 200),
                place,
                place,
                new int[] {PixelFlag.SATURATED | StarFlag.NOT_CONVERGED})
            .draw(false);
    assertThat(near(clean, CLEAN)).isGreaterThan(10);
    assertThat(near(clean, FIT)).isZero();
    assertThat(near(fit, FIT)).isGreaterThan(10);
    assertThat(near(fit, CLEAN)).isZero();
    assertThat(near(pixels, PIXELS)).isGreaterThan(10);
    assertThat(near(pixels, FIT)).isZero();
  }

  @Test
  void aCrowdedFieldIsShownInPartSoThatItsStarsCanBeTold() {
    int side = 1600;
    int stars = 20_000;
    Random random = new Random(1);
    double[] x = random.doubles(stars, 0, side).toArray();
    double[] y = random.doubles(stars, 0, side).toArray();
    BufferedImage drawn = picture(side, side, flat(side, side), x, y, new int[stars]).draw(false);
    assertThat(drawn.getWidth()).isBetween(1400, 1700);
    // A picture of the whole would be covered by circles.
    double share = near(drawn, CLEAN) / (760.0 * 760);
    assertThat(share).isBetween(0.005, 0.15);
  }

  @Test
  void residualsOfBothSignsAreTold() {
    int side = 200;
    float[] residual = new float[side * side];
    Arrays.fill(residual, 0, residual.length / 2, 50f);
    Arrays.fill(residual, residual.length / 2, residual.length, -50f);
    BufferedImage drawn =
        new ImagePicture(
                side,
                side,
                flat(side, side),
                flat(side, side),
                residual,
                10,
                new double[0],
                new double[0],
                new int[0],
                "a.fits",
                List.of())
            .draw(false);
    int column = drawn.getWidth() - 100;
    int upper = drawn.getRGB(column, 120);
    int lower = drawn.getRGB(column, drawn.getHeight() - 120);
    assertThat(upper & 255).isGreaterThan((upper >> 16 & 255) + 100);
    assertThat(lower >> 16 & 255).isGreaterThan((lower & 255) + 100);
  }

  @Test
  void aPixelWithoutValueDoesNotSpoilThePicture() {
    float[] science = flat(50, 50);
    Arrays.fill(science, 0, 600, Float.NaN);
    science[700] = Float.POSITIVE_INFINITY;
    BufferedImage drawn =
        picture(50, 50, science, new double[] {Double.NaN}, new double[] {1}, new int[1])
            .draw(false);
    assertThat(drawn.getWidth()).isGreaterThan(700);
  }

  @Test
  void longStripsAndTinyImagesFitThePanels() {
    for (int[] size : new int[][] {{1, 1}, {3, 900}, {2000, 40}, {761, 760}}) {
      BufferedImage drawn =
          picture(
                  size[0],
                  size[1],
                  flat(size[0], size[1]),
                  new double[0],
                  new double[0],
                  new int[0])
              .draw(false);
      assertThat(drawn.getWidth()).isBetween(60, 1700);
      assertThat(drawn.getHeight()).isBetween(60, 1100);
    }
  }

  @Test
  void theFileIsAPngOfSensibleSize() throws IOException {
    Path file = folder.resolve("first.png");
    picture(300, 200, flat(300, 200), new double[] {5}, new double[] {5}, new int[1]).write(file);
    BufferedImage read = ImageIO.read(file.toFile());
    assertThat(read).isNotNull();
    assertThat(Files.size(file)).isBetween(1000L, 5_000_000L);
  }

  @Test
  void planesOfAWrongSizeAreNamed() {
    assertThatThrownBy(
            () -> picture(10, 10, new float[99], new double[0], new double[0], new int[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("99")
        .hasMessageContaining("10 x 10 pixels");
  }
}

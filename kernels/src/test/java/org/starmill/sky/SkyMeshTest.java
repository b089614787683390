package org.starmill.sky;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.starmill.device.Devices;
import org.starmill.image.ImageRejected;
import org.starmill.image.PixelFlag;

class SkyMeshTest {
  private static final int WIDTH = 1027;
  private static final int HEIGHT = 1025;
  private static final double LEVEL = 1240;
  private static final double NOISE = 36;

  private final SkyMesh mesh = new SkyMesh(Devices.java(1), 64, 3);

  @Test
  void anEmptySkyIsFoundToHalfAnElectron() {
    float[] truth = filled(LEVEL);
    double mean = 0;
    double squares = 0;
    int images = 5;
    for (int seed = 0; seed < images; seed++) {
      Sky sky = mesh.measure(noisy(truth, 100 + seed), new short[truth.length], WIDTH, HEIGHT);
      Errors errors = new Errors(mesh.level(sky), truth);
      mean += errors.mean / images;
      squares += errors.rms * errors.rms / images;
      assertThat(sky.medianLevel()).isCloseTo(LEVEL, within(0.4));
      assertThat(sky.medianNoise()).isCloseTo(NOISE, within(0.005 * NOISE));
      assertThat(sky.columns()).isEqualTo(16);
    }
    assertThat(mean).isCloseTo(0, within(0.15));
    assertThat(Math.sqrt(squares)).isLessThan(0.6);
  }

  @Test
  void aSkyWithoutStarsIsFoundToAThirdOfAnElectronByItsMean() {
    float[] truth = filled(LEVEL);
    Sky sky =
        withoutStars(noisy(truth, 2), new short[WIDTH * HEIGHT], new float[WIDTH * HEIGHT], 1);

    Errors errors = new Errors(mesh.level(sky), truth);
    // The mean of a million pixels scatters by 0.035 electrons.
    assertThat(errors.mean).isCloseTo(0, within(0.12));
    assertThat(errors.rms).isLessThan(0.35);
    assertThat(sky.medianNoise()).isCloseTo(NOISE, within(0.005 * NOISE));
  }

  @Test
  void aGradientIsReproducedUpToTheEdge() {
    float[] truth = new float[WIDTH * HEIGHT];
    for (int i = 0; i < truth.length; i++) {
      double u = i % WIDTH / (double) WIDTH;
      double v = i / WIDTH / (double) HEIGHT;
      truth[i] = (float) (LEVEL * (1 + 0.1 * u - 0.06 * v + 0.03 * u * v));
    }
    Sky noiseless = mesh.measure(truth, new short[truth.length], WIDTH, HEIGHT);
    // Without noise the clip is one of the gradient itself, at whole pixels.
    assertThat(new Errors(mesh.level(noiseless), truth).largest).isLessThan(0.15);

    Sky sky = withoutStars(noisy(truth, 3), new short[truth.length], new float[truth.length], 1);
    assertThat(new Errors(mesh.level(sky), truth).rms).isLessThan(0.45);
    double corner = mesh.level(sky)[0] - truth[0];
    assertThat(corner).isCloseTo(0, within(2.0));
  }

  @Test
  void twentyThousandStarsBiasTheFirstSkyLittleAndTheSecondNot() {
    float[] sky = filled(LEVEL);
    float[] stars = stars(20_000L * WIDTH * HEIGHT / (3072 * 3080), 4);
    float[] scene = sky.clone();
    for (int i = 0; i < scene.length; i++) {
      scene[i] += stars[i];
    }
    float[] image = noisy(scene, 5);
    short[] mask = new short[image.length];
    for (int i = 0; i < image.length; i++) {
      mask[i] = (short) (image[i] > 350_000 ? PixelFlag.SATURATED : 0);
    }
    Sky first = mesh.measure(image, mask, WIDTH, HEIGHT);
    assertThat(new Errors(mesh.level(first), sky).mean).isCloseTo(0, within(4.0));

    Sky second = withoutStars(image, mask, stars, (float) first.medianNoise());
    Errors errors = new Errors(mesh.level(second), sky);
    assertThat(errors.mean).isCloseTo(0, within(0.2));
    assertThat(errors.rms).isLessThan(0.5);
    assertThat(second.medianNoise()).isCloseTo(NOISE, within(0.02 * NOISE));
  }

  @Test
  void starsTooFaintToBeFoundDoNotLiftTheSky() {
    float[] sky = filled(LEVEL);
    float[] scene = sky.clone();
    SplittableRandom random = new SplittableRandom(11);
    // As many as a field of 60,000 stars leaves below a signal-to-noise of 5, at about 3.5.
    int count = (int) (18_000L * WIDTH * HEIGHT / (3072 * 3080));
    double light = 0;
    for (int star = 0; star < count; star++) {
      addStar(scene, 560, random.nextDouble() * WIDTH, random.nextDouble() * HEIGHT, 20);
      light += 560.0 / (WIDTH * HEIGHT);
    }
    double error = 0;
    int images = 4;
    for (int seed = 0; seed < images; seed++) {
      float[] residual = noisy(scene, 20 + seed);
      for (int i = 0; i < residual.length; i++) {
        residual[i] -= (float) LEVEL;
      }
      Sky flat = mesh.measure(sky, new short[sky.length], WIDTH, HEIGHT, 0, 2);
      Sky found =
          mesh.refine(flat, residual, new short[sky.length], new float[sky.length], 1, 0, 2);
      error += new Errors(mesh.level(found), sky).mean / images;
    }
    // Their mean is 1.06 electrons; 0.005 of the noise is what a faint star's 0.5 % can bear.
    assertThat(light).isGreaterThan(1);
    assertThat(error).isCloseTo(0, within(0.005 * NOISE));
  }

  @Test
  void aRefinedSkyMendsTheErrorsOfTheOldOne() {
    float[] truth = filled(LEVEL);
    float[] image = noisy(truth, 12);
    short[] mask = new short[image.length];
    float[] wrong = filled(LEVEL);
    for (int i = 0; i < wrong.length; i++) {
      wrong[i] += (float) (5 * Math.sin(i % WIDTH / 300.0));
    }
    Sky old = mesh.measure(wrong, mask, WIDTH, HEIGHT, 128);
    float[] residual = image.clone();
    mesh.subtract(old, residual);
    Sky sky = mesh.refine(old, residual, mask, new float[image.length], 1, 0, 2);
    assertThat(sky.columns()).isEqualTo(2 * old.columns());
    assertThat(new Errors(mesh.level(sky), truth).rms).isLessThan(0.5);
    assertThat(sky.medianLevel()).isCloseTo(LEVEL, within(0.3));
  }

  @Test
  void aBoxUnderABrightStarTakesTheSkyOfItsNeighbours() {
    float[] image = noisy(filled(LEVEL), 6);
    short[] mask = new short[image.length];
    for (int y = 300; y < 460; y++) {
      for (int x = 500; x < 640; x++) {
        image[y * WIDTH + x] = 60_000;
        mask[y * WIDTH + x] = PixelFlag.SATURATED;
      }
    }
    Sky sky = mesh.measure(image, mask, WIDTH, HEIGHT);
    assertThat(new Errors(mesh.level(sky), filled(LEVEL)).largest).isLessThan(6);
  }

  @Test
  void oneStarFarBrighterThanTheSkyDoesNotCoarsenTheHistogram() {
    float[] image = noisy(filled(LEVEL), 7);
    for (int i = 0; i < 300; i++) {
      image[(200 + i / 20) * WIDTH + 200 + i % 20] = 3e6f;
    }
    Sky sky = mesh.measure(image, new short[image.length], WIDTH, HEIGHT);
    assertThat(new Errors(mesh.level(sky), filled(LEVEL)).largest).isLessThan(6);
  }

  @Test
  void anImageSmallerThanABoxHasOneLevel() {
    float[] image = new float[30 * 20];
    Arrays.fill(image, 5f);
    Sky sky = mesh.measure(image, new short[image.length], 30, 20);
    assertThat(mesh.level(sky)).containsOnly(5f);
    assertThat(sky.medianNoise()).isZero();
  }

  @Test
  void anImageWithoutGoodPixelsIsRejected() {
    short[] mask = new short[100 * 100];
    Arrays.fill(mask, (short) PixelFlag.BAD);
    assertThatThrownBy(() -> mesh.measure(new float[100 * 100], mask, 100, 100))
        .isInstanceOf(ImageRejected.class)
        .hasMessageStartingWith("no sky");
  }

  @Test
  void boxesGrowWithTheSeeingAndNeverShrink() {
    float[] image = noisy(filled(LEVEL), 9);
    short[] mask = new short[image.length];
    Sky usual = mesh.measure(image, mask, WIDTH, HEIGHT);
    assertThat(usual.columns()).isEqualTo(Math.round(WIDTH / 64f));
    assertThat(mesh.measure(image, mask, WIDTH, HEIGHT, 128).columns())
        .isEqualTo(Math.round(WIDTH / 128f));
    assertThat(mesh.measure(image, mask, WIDTH, HEIGHT, 9).columns()).isEqualTo(usual.columns());
  }

  @Test
  void oneMeshServesImagesOfChangingSize() {
    float[] large = noisy(filled(LEVEL), 8);
    Sky first = mesh.measure(large, new short[large.length], WIDTH, HEIGHT);
    float[] small = Arrays.copyOf(large, 101 * 67);
    mesh.measure(small, new short[small.length], 101, 67);
    Sky again = mesh.measure(large, new short[large.length], WIDTH, HEIGHT);
    assertThat(mesh.level(again)).isEqualTo(mesh.level(first));
  }

  @Test
  void sourceExtractorsBackgroundIsReproduced() throws IOException {
    Path folder = sharedData("sep");
    assumeTrue(folder != null, "shared data folder is absent");
    float[] image = fits(folder.resolve("image.fits"), 256 * 256);
    float[] back = fits(folder.resolve("back.fits"), 256 * 256);
    float[] rms = fits(folder.resolve("rms.fits"), 256 * 256);
    Sky sky = mesh.measure(image, new short[image.length], 256, 256);

    Errors errors = new Errors(mesh.level(sky), back);
    double noise = new Errors(rms, 0).mean;
    // A field of bright stars and galaxies: the two differ by where the clip of a box ends.
    assertThat(Math.abs(errors.mean)).isLessThan(0.1 * noise);
    assertThat(errors.rms).isLessThan(0.15 * noise);
    assertThat(sky.medianNoise()).isCloseTo(noise, within(0.05 * noise));
  }

  /** The sky of an image without its stars, of which no earlier sky was taken off. */
  private Sky withoutStars(float[] image, short[] mask, float[] stars, float limit) {
    Sky none = new Sky(0, 0, new float[1], new float[1], 1, 1, WIDTH, HEIGHT);
    return mesh.refine(none, image, mask, stars, limit, 0, 2);
  }

  private static float[] filled(double level) {
    float[] values = new float[WIDTH * HEIGHT];
    Arrays.fill(values, (float) level);
    return values;
  }

  private static float[] noisy(float[] truth, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] image = new float[truth.length];
    double readVariance = NOISE * NOISE - LEVEL;
    for (int i = 0; i < image.length; i++) {
      image[i] = truth[i] + (float) (Math.sqrt(truth[i] + readVariance) * random.nextGaussian());
    }
    return image;
  }

  /** Point-sampled Moffat stars of beta 3 and FWHM 2 pixels, N(>F) falling as F^-0.75. */
  private static float[] stars(long count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] image = new float[WIDTH * HEIGHT];
    for (int star = 0; star < count; star++) {
      double flux = Math.min(3e6, 250 * Math.pow(1 - random.nextDouble(), -1 / 0.75));
      double x = random.nextDouble() * WIDTH;
      double y = random.nextDouble() * HEIGHT;
      addStar(image, flux, x, y, flux > 1e5 ? 60 : 20);
    }
    return image;
  }

  private static void addStar(float[] image, double flux, double x, double y, int reach) {
    double core = 1 / Math.sqrt(Math.cbrt(2) - 1);
    for (int v = Math.max(0, (int) y - reach); v < Math.min(HEIGHT, y + reach); v++) {
      for (int u = Math.max(0, (int) x - reach); u < Math.min(WIDTH, x + reach); u++) {
        double r2 = ((u - x) * (u - x) + (v - y) * (v - y)) / (core * core);
        image[v * WIDTH + u] += (float) (flux * 2 / (Math.PI * core * core) / Math.pow(1 + r2, 3));
      }
    }
  }

  private static final class Errors {
    final double mean;
    final double rms;
    final double largest;

    Errors(float[] found, float[] truth) {
      double sum = 0;
      double squares = 0;
      double most = 0;
      for (int i = 0; i < found.length; i++) {
        double error = found[i] - truth[i];
        sum += error;
        squares += error * error;
        most = Math.max(most, Math.abs(error));
      }
      mean = sum / found.length;
      rms = Math.sqrt(squares / found.length);
      largest = most;
    }

    Errors(float[] found, double truth) {
      this(found, constant(found.length, truth));
    }

    private static float[] constant(int length, double value) {
      float[] values = new float[length];
      Arrays.fill(values, (float) value);
      return values;
    }
  }

  private static Path sharedData(String set) {
    for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
      Path folder = p.resolve("shared/data").resolve(set);
      if (Files.exists(folder)) {
        return folder;
      }
    }
    return null;
  }

  /** Reads a plain primary image of 16-bit integers or 32-bit floats. */
  private static float[] fits(Path file, int pixels) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int bits = 0;
    double scale = 1;
    double zero = 0;
    int card = 0;
    String text = "";
    while (!text.startsWith("END     ")) {
      text = new String(bytes, 80 * card++, 80, StandardCharsets.US_ASCII);
      String value = text.length() > 30 ? text.substring(10, 30).trim() : "";
      switch (text.substring(0, 8).trim()) {
        case "BITPIX" -> bits = Integer.parseInt(value);
        case "BSCALE" -> scale = Double.parseDouble(value);
        case "BZERO" -> zero = Double.parseDouble(value);
        default -> {}
      }
    }
    ByteBuffer data = ByteBuffer.wrap(bytes).position((80 * card + 2879) / 2880 * 2880);
    float[] image = new float[pixels];
    for (int i = 0; i < pixels; i++) {
      image[i] = (float) (zero + scale * (bits == 16 ? data.getShort() : data.getFloat()));
    }
    return image;
  }
}

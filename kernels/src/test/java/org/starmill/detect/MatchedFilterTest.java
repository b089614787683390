package org.starmill.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfModel;

class MatchedFilterTest {
  private static final int SIZE = 101;
  private static final double SIGMA = 30;
  private final Device device = Devices.java(1);
  private final Psf psf = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
  private final float[] base = new float[SIZE * SIZE];
  private final float[] model = new float[SIZE * SIZE];

  {
    Arrays.fill(base, (float) (SIGMA * SIGMA));
  }

  @AfterEach
  void close() {
    device.close();
  }

  private float[] noise(long seed) {
    Random random = new Random(seed);
    float[] image = new float[SIZE * SIZE];
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) (SIGMA * random.nextGaussian());
    }
    return image;
  }

  private void add(float[] image, int x, int y, double flux) {
    float[] stamp = psf.stampAt(x, y, 10);
    for (int dy = -10; dy <= 10; dy++) {
      for (int dx = -10; dx <= 10; dx++) {
        if (x + dx >= 0 && y + dy >= 0 && x + dx < SIZE && y + dy < SIZE) {
          image[(y + dy) * SIZE + x + dx] += (float) (flux * stamp[(dy + 10) * 21 + dx + 10]);
        }
      }
    }
  }

  private Peaks find(float[] image, double threshold) {
    return new MatchedFilter(device)
        .find(image, base, model, 1, SIZE, SIZE, psf.stampAt(50, 50, 3), threshold);
  }

  @Test
  void aStarIsOnePeakAtItsPlaceWithItsFlux() {
    float[] image = new float[SIZE * SIZE];
    add(image, 40, 60, 20_000);
    Peaks peaks = find(image, 5);
    assertThat(peaks.count()).isEqualTo(1);
    assertThat(peaks.x()[0]).isCloseTo(40f, within(0.01f));
    assertThat(peaks.y()[0]).isCloseTo(60f, within(0.01f));
    assertThat(peaks.flux()[0]).isCloseTo(20_000f, within(20f));
  }

  @Test
  void theSignificanceOfNoiseIsNormal() {
    // Of 10,201 pixels the matched filter's output has zero mean and unit width by construction.
    int above = 0;
    for (long seed = 1; seed <= 20; seed++) {
      above += find(noise(seed), 4).count();
    }
    // About 5e-5 maxima a pixel above 4 sigma for a filter of 2 pixels' FWHM.
    assertThat(above).isBetween(2, 30);
  }

  @Test
  void aStarOfFiveSigmaStandsOutByFiveSigma() {
    double square = 0;
    for (float p : psf.stampAt(50, 50, 3)) {
      square += p * p;
    }
    double flux = 5 * SIGMA / Math.sqrt(square);
    double sum = 0;
    int runs = 200;
    for (int seed = 0; seed < runs; seed++) {
      float[] image = noise(1000 + seed);
      add(image, 50, 50, flux);
      Peaks peaks = find(image, 1);
      double best = 0;
      for (int k = 0; k < peaks.count(); k++) {
        if (Math.hypot(peaks.x()[k] - 50, peaks.y()[k] - 50) < 1.5) {
          best = Math.max(best, peaks.significance()[k]);
        }
      }
      sum += best;
    }
    // The best of the few pixels about the centre lies a little above the mean at the centre.
    assertThat(sum / runs).isBetween(4.9, 5.4);
  }

  @Test
  void aMaskedPixelSaysNothing() {
    float[] image = new float[SIZE * SIZE];
    image[30 * SIZE + 30] = 1e6f;
    base[30 * SIZE + 30] = 0;
    assertThat(find(image, 3).count()).isZero();
  }

  @Test
  void aStarOnTheEdgeIsFoundToo() {
    float[] image = new float[SIZE * SIZE];
    add(image, 0, 50, 20_000);
    add(image, 100, 100, 20_000);
    assertThat(find(image, 5).count()).isEqualTo(2);
  }

  @Test
  void theNoiseOfStarsTakenOutStaysInTheSignificance() {
    float[] image = new float[SIZE * SIZE];
    add(image, 50, 50, 2_000);
    double alone = find(image, 1).significance()[0];
    float light = (float) (3 * SIGMA * SIGMA);
    Arrays.fill(model, light);
    for (int i = 0; i < image.length; i++) {
      image[i] += light;
    }
    assertThat((double) find(image, 1).significance()[0])
        .isCloseTo(alone / 2, within(0.01 * alone));
  }

  @Test
  void aSearchOfSomeRowsKnowsNothingOfTheOthersAndWhereItsOwnAre() {
    float[] image = noise(5);
    add(image, 50, 45, 20_000);
    add(image, 20, 70, 30_000);
    for (boolean vectors : new boolean[] {true, false}) {
      try (Device device = vectors ? Devices.java(1) : Devices.scalarJava(1)) {
        MatchedFilter filter = new MatchedFilter(device);
        float[] stamp = psf.stampAt(50, 50, 3);
        Peaks found = filter.find(image, base, model, 1, SIZE, 30, 60, stamp, 7);
        assertThat(found.count()).isEqualTo(1);
        assertThat(found.x()[0]).isCloseTo(50, within(0.1f));
        assertThat(found.y()[0]).isCloseTo(45, within(0.1f));
        Peaks alone =
            filter.find(
                Arrays.copyOfRange(image, 30 * SIZE, 60 * SIZE),
                Arrays.copyOf(base, 30 * SIZE),
                Arrays.copyOf(model, 30 * SIZE),
                1,
                SIZE,
                30,
                stamp,
                3);
        Peaks rows = filter.find(image, base, model, 1, SIZE, 30, 60, stamp, 3);
        assertThat(rows.significance()).isEqualTo(alone.significance());
        assertThat(rows.y()[0]).isEqualTo(alone.y()[0] + 30);
      }
    }
  }

  @Test
  void theVectorTwinFindsThePeaksOfTheScalarKernels() {
    for (int[] size : new int[][] {{5, 4}, {37, 41}, {130, 70}, {257, 300}}) {
      int width = size[0];
      int height = size[1];
      Random random = new Random(width);
      float[] image = new float[width * height];
      float[] variance = new float[image.length];
      float[] light = new float[image.length];
      for (int i = 0; i < image.length; i++) {
        image[i] = (float) (SIGMA * random.nextGaussian());
        variance[i] = random.nextInt(20) == 0 ? 0f : (float) (SIGMA * SIGMA);
        light[i] = random.nextInt(10) == 0 ? 500f * random.nextFloat() : 0f;
        if (variance[i] == 0) {
          image[i] = Float.NaN;
        }
      }
      float[] stamp = psf.stampAt(50, 50, 3);
      Peaks[] peaks = new Peaks[2];
      double[] noise = new double[2];
      try (Device twin = Devices.java(2);
          Device scalar = Devices.scalarJava(1)) {
        Device[] devices = {twin, scalar};
        for (int k = 0; k < 2; k++) {
          MatchedFilter filter = new MatchedFilter(devices[k]);
          peaks[k] = filter.find(image, variance, light, 1.1, width, height, stamp, 0.5);
          noise[k] = filter.noise();
        }
        assertThat(twin.usesVectors()).isTrue();
      }
      assertThat(peaks[0].count()).isEqualTo(peaks[1].count()).isPositive();
      assertThat(peaks[0].x()).containsExactly(peaks[1].x(), within(2e-4f));
      assertThat(peaks[0].y()).containsExactly(peaks[1].y(), within(2e-4f));
      for (int k = 0; k < peaks[0].count(); k++) {
        assertThat(peaks[0].flux()[k] / peaks[1].flux()[k]).isCloseTo(1f, within(1e-5f));
      }
      assertThat(noise[0]).isCloseTo(noise[1], within(1e-3));
    }
  }

  @Test
  void theNoiseIsOneWhereOnlyNoiseIsAndGrowsWithStarsTooFaintToBeFound() {
    int size = 500;
    Random random = new Random(3);
    float[] image = new float[size * size];
    float[] variance = new float[image.length];
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) (SIGMA * random.nextGaussian());
      variance[i] = (float) (SIGMA * SIGMA);
    }
    MatchedFilter filter = new MatchedFilter(device);
    float[] dark = new float[image.length];
    float[] stamp = psf.stampAt(50, 50, 3);
    filter.find(image, variance, dark, 1, size, size, stamp, 5);
    assertThat(filter.noise()).isCloseTo(1, within(0.03));

    for (int i = 0; i < image.length; i++) {
      variance[i] = (float) (SIGMA * SIGMA / 1.44);
    }
    filter.find(image, variance, dark, 1, size, size, stamp, 5);
    assertThat(filter.noise()).isCloseTo(1.2, within(0.04));
  }
}

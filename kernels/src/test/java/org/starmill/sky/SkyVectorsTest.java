package org.starmill.sky;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.PixelFlag;

class SkyVectorsTest {
  private static final double NOISE = 30;

  // Single sums at their limit fall out on one side and not on the other: a thousandth of the noise
  // of a box of 64 x 64 pixels is 1/15 of its mean's own scatter.
  @ParameterizedTest
  @CsvSource({"640,512,64,2.0", "517,389,64,2.6", "203,131,32,4.5", "97,800,33,9.0", "30,20,64,2"})
  void vectorsGiveTheSkyThatTheScalarSourceGives(int width, int height, int box, double fwhm) {
    float[] image = new float[width * height];
    float[] model = new float[image.length];
    short[] mask = new short[image.length];
    SplittableRandom random = new SplittableRandom(width);
    for (int i = 0; i < image.length; i++) {
      double slope = 0.02 * (i % width) - 0.01 * (i / width);
      image[i] = (float) (1000 + slope + NOISE * random.nextGaussian());
      if (random.nextInt(300) == 0) {
        image[i] += (float) (100 / (random.nextDouble() + 1e-3));
        model[i] = 50;
      }
      if (random.nextInt(100) == 0) {
        mask[i] = (short) (1 << random.nextInt(7));
        image[i] += (mask[i] & PixelFlag.UNUSABLE) != 0 ? 1e6f : 0;
      }
    }
    Sky[] skies = new Sky[2];
    Sky[] refined = new Sky[2];
    float[][] levels = new float[2][];
    float[][] refinedLevels = new float[2][];
    for (int k = 0; k < 2; k++) {
      try (Device device = k == 0 ? Devices.scalarJava(2) : Devices.java(2)) {
        SkyMesh mesh = new SkyMesh(device, box, 3);
        skies[k] = mesh.measure(image, mask, width, height, box, fwhm);
        levels[k] = mesh.level(skies[k]);
        float[] without = image.clone();
        mesh.subtract(skies[0], without);
        refined[k] = mesh.refine(skies[0], without, mask, model, 1, box, fwhm);
        refinedLevels[k] = mesh.level(refined[k]);
        mesh.exchange(skies[0], refined[k], without);
        mesh.restore(refined[k], without);
        for (int i = 0; i < image.length; i++) {
          float rounding = 1e-6f * Math.max(2000, Math.abs(image[i]));
          assertThat(without[i]).isCloseTo(image[i], within(rounding));
        }
      }
    }
    agree(skies, levels, 1e-3 * NOISE * 64 / Math.min(box, Math.min(width, height)));
    agree(refined, refinedLevels, 1e-3 * NOISE * 64 / Math.min(box, Math.min(width, height)));
  }

  private static void agree(Sky[] skies, float[][] levels, double tolerance) {
    double worst = 0;
    for (int i = 0; i < levels[0].length; i++) {
      worst = Math.max(worst, Math.abs(levels[0][i] - levels[1][i]));
    }
    assertThat(worst).isLessThan(tolerance);
    assertThat(skies[1].medianNoise()).isCloseTo(skies[0].medianNoise(), within(tolerance));
  }
}

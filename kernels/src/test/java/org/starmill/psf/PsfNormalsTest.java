package org.starmill.psf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;

/** The normal systems summed with the Vector API are those of the scalar source. */
class PsfNormalsTest {
  @ParameterizedTest
  @EnumSource(PsfModel.class)
  void starsAtEdgesAndOnBadPixelsGiveTheSystemsOfTheScalarSource(PsfModel model) {
    assumeTrue(Devices.VECTORS, "this JVM has no module jdk.incubator.vector");
    for (double fwhm : new double[] {1.6, 2.3, 4, 7}) {
      float[] scalar = sums(model, fwhm, Devices.scalarJava(1));
      float[] vector = sums(model, fwhm, Devices.java(2));
      for (int star = 0; star < scalar.length / PsfNormalKernel.SUMS; star++) {
        int o = star * PsfNormalKernel.SUMS;
        for (int a = 0; a < 9; a++) {
          double diagonal = scalar[o + a * (a + 1) / 2 + a];
          for (int b = 0; b <= a; b++) {
            int k = o + a * (a + 1) / 2 + b;
            double scale = Math.sqrt(diagonal * scalar[o + b * (b + 1) / 2 + b]);
            assertThat((double) vector[k])
                .as("%s of FWHM %.1f, star %d: %d by %d", model, fwhm, star, a, b)
                .isCloseTo(scalar[k], within(1e-4 * scale + 1e-6));
          }
        }
        assertThat(vector[o + 45]).isEqualTo(scalar[o + 45]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(PsfModel.class)
  void theColumnsOfPixelsSideBySideAreThoseOfThePixelsAlone(PsfModel model) {
    Random random = new Random(7);
    for (int n = 0; n < 40; n++) {
      double fwhm = 1.3 + 6 * random.nextDouble();
      double[][] shape = {
        {Math.log(fwhm)},
        {0.4 * (random.nextDouble() - 0.5)},
        {0.4 * (random.nextDouble() - 0.5)},
        {1.6 + 4 * random.nextDouble()}
      };
      PsfNormalKernel kernel = new PsfNormalKernel();
      kernel.configure(model, fwhm);
      kernel.form = new float[PsfKernel.FORM];
      new Psf(model, 100, 100, shape).formAt(50, 50, kernel.form, 0);
      float x = random.nextFloat() - 0.5f;
      float y = random.nextFloat() - 0.5f;
      float[] columns = new float[PsfNormalKernel.COLUMNS * PsfNormalKernel.LANES];
      float[] alone = new float[7];
      float[] most = new float[7];
      for (int place = 0; place < 25 * 25; place++) {
        pixel(kernel, place % 25 - 12, place / 25 - 12, x, y, alone);
        for (int k = 0; k < alone.length; k++) {
          most[k] = Math.max(most[k], Math.abs(alone[k]));
        }
      }
      int[] columnOf = {2, 0, 1, 4, 5, 6, 7};
      for (int py = -12; py <= 12; py++) {
        for (int first = -12; first <= 12; first += PsfNormalKernel.LANES) {
          kernel.columns(0, first, py, x, y, columns);
          for (int lane = 0; lane < PsfNormalKernel.LANES; lane++) {
            int px = first + lane;
            pixel(kernel, px, py, x, y, alone);
            for (int k = 0; k < alone.length; k++) {
              float found = columns[columnOf[k] * PsfNormalKernel.LANES + lane];
              float tolerance = 5e-6f * Math.abs(alone[k]) + 1e-6f * most[k];
              assertThat(found)
                  .as("%s of FWHM %.1f, pixel %d %d, number %d", model, fwhm, px, py, k)
                  .isCloseTo(alone[k], within(tolerance));
            }
          }
        }
      }
    }
  }

  /** The PSF, its slopes by x and y and its derivatives by A, B, C and beta. */
  private static void pixel(PsfNormalKernel kernel, int px, int py, float x, float y, float[] out) {
    int order = kernel.order(px, py);
    kernel.pixelAndSlopes(kernel.form, 0, px - x, py - y, order, out, 0);
    kernel.pixelByShape(kernel.form, 0, px - x, py - y, order, out, 3);
  }

  private static float[] sums(PsfModel model, double fwhm, Device device) {
    int size = 120;
    Random random = new Random(3);
    double[][] shape = {{Math.log(fwhm)}, {0.1}, {-0.05}, {2.7}};
    Psf psf = new Psf(model, size, size, shape);
    float[] residual = new float[size * size];
    float[] base = new float[size * size];
    for (int i = 0; i < residual.length; i++) {
      residual[i] = (float) (30 * random.nextGaussian());
      base[i] = random.nextInt(40) == 0 ? 0 : 900 + 100 * random.nextFloat();
    }
    int[] x = {3, 60, 40, 117, 80};
    int[] y = {50, 60, 2, 118, 30};
    float[] offsetX = {0.2f, -0.4f, 0.1f, 0.3f, 0f};
    float[] offsetY = {-0.3f, 0.1f, 0.5f, 0f, 0.45f};
    float[] flux = {3e4f, 2e6f, 1e5f, 5e3f, 4e5f};
    float[] photon = {1, 1.02f, 0.97f, 1, 1};
    PsfStars stars = new PsfStars(x, y, offsetX, offsetY, flux, photon);
    try (device) {
      PsfFit fit = new PsfFit(device);
      fit.prepare(
          residual,
          new float[residual.length],
          base,
          size,
          size,
          stars,
          psf,
          (int) Math.ceil(3.5 * fwhm));
      // A shape beside the truth, so that there is a gradient.
      shape[0][0] += 0.01;
      fit.sum(new Psf(model, size, size, shape), stars);
      return fit.sums();
    }
  }
}

package org.starmill.psf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.starmill.device.Devices;

/** The PSF evaluated with the Vector API is the PSF of the scalar source. */
class PsfStampsTest {
  private static final class Probe extends PsfKernel {
    final float[] form = new float[FORM];
    final float[] out = new float[3];

    @Override
    public void item(int item) {}
  }

  @BeforeEach
  void theVectorApiIsThere() {
    assumeTrue(Devices.VECTORS, "this JVM has no module jdk.incubator.vector");
  }

  @ParameterizedTest
  @EnumSource(PsfModel.class)
  void aStampAndItsSlopesAreThoseOfTheScalarSource(PsfModel model) {
    Random random = new Random(5);
    for (int n = 0; n < 60; n++) {
      double fwhm = 1.3 + 6 * random.nextDouble();
      double[][] shape = {
        {Math.log(fwhm)},
        {0.4 * (random.nextDouble() - 0.5)},
        {0.4 * (random.nextDouble() - 0.5)},
        {1.6 + 4 * random.nextDouble()}
      };
      Psf psf = new Psf(model, 100, 100, shape);
      Probe probe = new Probe();
      probe.configure(model, fwhm);
      psf.formAt(50, 50, probe.form, 0);
      float x = random.nextFloat() - 0.5f;
      float y = random.nextFloat() - 0.5f;
      int radius = 3 + random.nextInt(12);
      PsfStamps stamps = new PsfStamps(probe);
      stamps.slopes(probe.form, 0, radius, x, y);
      int stride = PsfStamps.stride(radius);
      float peak = probe.pixel(probe.form, 0, 0, 0, probe.order(0, 0));
      for (int py = -radius; py <= radius; py++) {
        for (int px = -radius; px <= radius; px++) {
          probe.pixelAndSlopes(probe.form, 0, px - x, py - y, probe.order(px, py), probe.out, 0);
          int at = (py + radius) * stride + px + radius;
          double tolerance = 3e-6 * Math.abs(probe.out[0]) + 1e-7 * peak;
          assertThat(stamps.value[at]).isCloseTo(probe.out[0], within((float) tolerance));
          assertThat(stamps.slopeX[at]).isCloseTo(probe.out[1], within(3e-6f * peak));
          assertThat(stamps.slopeY[at]).isCloseTo(probe.out[2], within(3e-6f * peak));
        }
      }
      for (int py = -radius; py <= radius; py++) {
        stamps.row(probe.form, 0, -radius, py, stride / PsfStamps.LANES, x, y);
        for (int px = -radius; px <= radius; px++) {
          float expected = probe.pixel(probe.form, 0, px - x, py - y, probe.order(px, py));
          double tolerance = 3e-6 * Math.abs(expected) + 1e-7 * peak;
          assertThat(stamps.value[px + radius]).isCloseTo(expected, within((float) tolerance));
        }
      }
    }
  }
}

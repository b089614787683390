package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;

class CombineKernelTest {
  @ParameterizedTest
  @CsvSource({"2,100,0", "3,1000,1", "7,333,0", "20,2000,0", "20,2000,1", "33,160,1", "64,500,0"})
  void pixelsDoneSideBySideAreThoseDoneOneByOne(int frames, int pixels, int photons) {
    CombineKernel[] kernels = new CombineKernel[2];
    for (int sideBySide = 0; sideBySide < 2; sideBySide++) {
      CombineKernel kernel = stack(frames, pixels, photons);
      kernel.sideBySide = sideBySide;
      int items = (pixels + kernel.block - 1) / kernel.block;
      kernel.columns = new float[items * frames * CombineKernel.LANES];
      try (Device device = Devices.scalarJava(2)) {
        device.run(kernel, items);
      }
      kernels[sideBySide] = kernel;
    }
    assertThat(kernels[1].level).isEqualTo(kernels[0].level);
    assertThat(kernels[1].error).isEqualTo(kernels[0].error);
    assertThat(kernels[1].used).isEqualTo(kernels[0].used);
    assertThat(kernels[0].used).contains((short) frames, (short) (frames - 1));
  }

  /** Gaussian noise; a value of a hundred is a cosmic ray's or is not there. */
  private static CombineKernel stack(int frames, int pixels, int photons) {
    SplittableRandom random = new SplittableRandom(frames + pixels);
    float[] odd = {Float.NaN, Float.POSITIVE_INFINITY, -3e29f, 3000, 5000, 1e20f};
    CombineKernel kernel = new CombineKernel();
    kernel.frames = frames;
    kernel.pixels = pixels;
    kernel.block = 70;
    kernel.clip = 3;
    kernel.iterations = 2;
    kernel.photons = photons;
    kernel.noise = photons == 1 ? 1 : 30;
    kernel.stack = new float[frames * pixels];
    for (int i = 0; i < kernel.stack.length; i++) {
      kernel.stack[i] = (float) (1000 + 30 * random.nextGaussian());
      if (random.nextInt(100) == 0) {
        kernel.stack[i] = odd[random.nextInt(odd.length)];
      }
    }
    kernel.level = new float[pixels];
    kernel.error = new float[pixels];
    kernel.used = new short[pixels];
    return kernel;
  }
}

package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.PixelFlag;

class BaseVarianceVectorsTest {
  @ParameterizedTest
  @CsvSource({"211,57,1,1", "64,33,0,1", "64,33,0,0", "17,5,1,0", "3,3,0,1"})
  void vectorsGiveEveryPixelThatTheScalarSourceGives(
      int width, int height, int flatFielded, int subtracting) {
    int size = width * height;
    SplittableRandom random = new SplittableRandom(size);
    BaseVarianceKernel[] kernels = new BaseVarianceKernel[2];
    float[] science = new float[size];
    float[] sky = new float[size];
    float[] response = new float[size];
    short[] mask = new short[size];
    for (int i = 0; i < size; i++) {
      science[i] = (float) (1000 + 100 * random.nextGaussian());
      sky[i] = (float) (300 * random.nextGaussian());
      response[i] = (float) (0.02 + 1.2 * random.nextDouble());
      mask[i] = (short) random.nextInt(0, 1 << random.nextInt(1, 8));
    }
    for (int k = 0; k < 2; k++) {
      kernels[k] = new BaseVarianceKernel();
      kernels[k].width = width;
      kernels[k].unusable = PixelFlag.UNUSABLE;
      kernels[k].flatFielded = flatFielded;
      kernels[k].readVariance = 50;
      kernels[k].least = 60;
      kernels[k].subtracting = subtracting;
      kernels[k].response = response;
      kernels[k].mask = mask;
      kernels[k].base = sky.clone();
      kernels[k].image = science.clone();
      try (Device device = k == 0 ? Devices.scalarJava(1) : Devices.java(1)) {
        device.run(kernels[k], height);
      }
    }
    assertThat(kernels[1].base).isEqualTo(kernels[0].base);
    assertThat(kernels[1].image).isEqualTo(kernels[0].image);
    assertThat(kernels[0].base).contains(0f);
  }
}

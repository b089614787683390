package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.Image;
import org.starmill.image.RawFrame;

class CalibrationVectorsTest {
  @ParameterizedTest
  @CsvSource({"211,57,true", "64,33,true", "129,40,false", "16,16,true", "33,20,false"})
  void vectorsGiveEveryPixelThatTheScalarSourceGives(int width, int height, boolean flatFielded) {
    Camera camera = new Camera(width, width, height);
    MasterBuilder builder = new MasterBuilder(Devices.scalarJava(1), MasterSettings.DEFAULT);
    Master bias =
        builder.bias(() -> List.of(camera.bias(), camera.bias(), camera.bias()).iterator());
    Master flat =
        builder.flat(
            () -> List.of(camera.flat(9000), camera.flat(9000), camera.flat(9000)).iterator(),
            bias);
    RawFrame frame = camera.flat(300);
    SplittableRandom random = new SplittableRandom(width);
    float[] odd = {65_535, 60_000, 59_999, Float.NaN, Float.POSITIVE_INFINITY, -3e9f, 0, 1e20f};
    for (int k = 0; k < width * height / 20; k++) {
      frame.pixels()[random.nextInt(height) * frame.width() + random.nextInt(width)] =
          odd[random.nextInt(odd.length)];
    }
    // A hot column, whose saturation says nothing, and a pixel without a bias.
    for (int y = 0; y < height; y++) {
      bias.level()[y * width + 7] += 5000;
      frame.pixels()[y * frame.width() + 7] = 65_535;
    }
    bias.level()[3 * width + 3] = Float.NaN;

    Masters masters = new Masters(bias, flatFielded ? flat : null);
    Image[] images = new Image[2];
    for (int k = 0; k < 2; k++) {
      try (Device device = k == 0 ? Devices.scalarJava(1) : Devices.java(2)) {
        images[k] = new Calibration(device, 2).calibrate(frame, masters);
      }
    }
    assertThat(images[1].science()).isEqualTo(images[0].science());
    assertThat(images[1].variance()).isEqualTo(images[0].variance());
    assertThat(images[1].mask()).isEqualTo(images[0].mask());
  }
}

package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.Detector;
import org.starmill.image.Image;
import org.starmill.image.PixelFlag;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedFrame;
import org.starmill.sample.StarTruth;

class BleedingTest {
  private static final int SIZE = 500;
  private static final int REACH = 30;

  /** Bright stars whose charge runs along the columns, in a frame without other blemishes. */
  private static final CameraSettings SETTINGS =
      CameraSettings.ztfLike()
          .withSize(SIZE, SIZE)
          .withoutBlemishes()
          .withStars(new CameraSettings.Stars(60, 0.3, 9.2, 14, 24.2));

  @Test
  void noChargeThatRanOutOfASaturatedStarIsLeftUnmasked() {
    SimulatedCamera camera = new SimulatedCamera(SETTINGS);
    var exposure = camera.science(0);
    Image image;
    try (Device device = Devices.java(1)) {
      MasterBuilder builder = new MasterBuilder(device, MasterSettings.DEFAULT);
      Master bias =
          builder.bias(() -> IntStream.range(0, 10).mapToObj(i -> raw(camera.bias(i))).iterator());
      Master flat =
          builder.flat(
              () -> IntStream.range(0, 10).mapToObj(i -> raw(camera.flat(i))).iterator(), bias);
      image = new Calibration(device, 4).calibrate(raw(exposure.frame()), new Masters(bias, flat));
    }
    StarTruth stars = exposure.stars();
    double[] light = camera.drawStars(SIZE, SIZE, stars.x(), stars.y(), stars.flux());
    float[] sky = camera.skyTruth(0);
    int charged = 0;
    int looked = 0;
    for (int i = 0; i < light.length; i++) {
      double expected = light[i] + sky[i];
      // Photons, read noise, and what the flat is off by.
      double sigma = Math.sqrt(1.3 * expected + 150 + Math.pow(0.005 * expected, 2));
      double excess = (image.science()[i] - expected) / sigma;
      boolean flagged = (image.mask()[i] & PixelFlag.UNUSABLE) != 0;
      if ((image.mask()[i] & PixelFlag.BLEED) != 0 && excess > 20) {
        charged++;
      }
      if (!flagged && isNearSaturated(image.mask(), i)) {
        assertThat(Math.abs(excess))
            .as("pixel (%d, %d) beside a saturated star", i % SIZE, i / SIZE)
            .isLessThan(7);
        looked++;
      }
    }
    assertThat(charged).isGreaterThan(20);
    assertThat(looked).isGreaterThan(1000);
  }

  private static boolean isNearSaturated(short[] mask, int i) {
    int x = i % SIZE;
    int y = i / SIZE;
    for (int v = Math.max(0, y - REACH); v <= Math.min(SIZE - 1, y + REACH); v++) {
      for (int u = Math.max(0, x - 2); u <= Math.min(SIZE - 1, x + 2); u++) {
        if ((mask[v * SIZE + u] & PixelFlag.SATURATED) != 0) {
          return true;
        }
      }
    }
    return false;
  }

  private static RawFrame raw(SimulatedFrame frame) {
    CameraSettings.Chip chip = SETTINGS.chip();
    return new RawFrame(
        frame.adu(),
        frame.columns(),
        frame.height(),
        new Section(0, 0, frame.width(), frame.height()),
        new Section(frame.width(), 0, frame.overscan(), frame.height()),
        new Detector(chip.gain(), chip.readNoise(), SETTINGS.saturation(), List.of()));
  }
}

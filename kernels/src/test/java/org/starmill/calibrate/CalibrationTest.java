package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.starmill.device.Devices;
import org.starmill.image.Detector;
import org.starmill.image.Image;
import org.starmill.image.ImageRejected;
import org.starmill.image.PixelFlag;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

class CalibrationTest {
  private static final int WIDTH = Camera.WIDTH;
  private static final int HEIGHT = Camera.HEIGHT;
  private static final int RAW_WIDTH = WIDTH + Camera.OVERSCAN;

  private static Camera camera;
  private static Masters masters;

  private final Calibration calibration = new Calibration(Devices.java(1), 4);

  @BeforeAll
  static void buildMasters() {
    camera = new Camera(20);
    MasterBuilder builder = new MasterBuilder(Devices.java(1), MasterSettings.DEFAULT);
    Master bias = builder.bias(MasterBuilderTest.biases(camera, 20));
    masters = new Masters(bias, builder.flat(MasterBuilderTest.flats(camera, 20, 20_000), bias));
  }

  @Test
  void theVarianceIsWhatManyFramesScatterBy() {
    double[] light = new double[WIDTH * HEIGHT];
    double scale = scale();
    for (int i = 0; i < light.length; i++) {
      light[i] = 1500 * camera.response[i] / scale * (0.3 + i % WIDTH / 100.0);
    }
    int frames = 40;
    double[] sum = new double[light.length];
    double[] squares = new double[light.length];
    double variance = 0;
    for (int k = 0; k < frames; k++) {
      Image image = calibration.calibrate(camera.frame(light), masters);
      for (int i = 0; i < light.length; i++) {
        sum[i] += image.science()[i];
        squares[i] += Math.pow(image.science()[i], 2);
        variance += image.variance()[i];
      }
    }
    double empirical = 0;
    double biasError = 0;
    double level = 0;
    double expected = 0;
    for (int i = 0; i < light.length; i++) {
      empirical += (squares[i] - sum[i] * sum[i] / frames) / (frames - 1);
      biasError += Math.pow(masters.bias().error()[i] * Camera.GAIN / masters.flat().level()[i], 2);
      level += sum[i] / frames;
      expected += light[i] / masters.flat().level()[i];
    }
    // The same bias stands under all frames: its error does not make them scatter.
    assertThat((variance / frames - biasError) / empirical).isCloseTo(1, within(0.02));
    assertThat(level / expected).isCloseTo(1, within(0.0005));
  }

  @Test
  void aValueThatNoCameraGivesIsNoData() {
    RawFrame frame = camera.flat(300);
    float[] odd = {1e20f, -1e20f, Float.NaN, Float.POSITIVE_INFINITY, -3e9f};
    for (int k = 0; k < odd.length; k++) {
      frame.pixels()[50 * RAW_WIDTH + 20 + k] = odd[k];
    }
    Image image = calibration.calibrate(frame, masters);
    for (int k = 0; k < odd.length; k++) {
      int i = 50 * WIDTH + 20 + k;
      assertThat(image.mask()[i] & PixelFlag.NO_DATA).as("pixel of %s", odd[k]).isNotZero();
      assertThat(image.science()[i]).isZero();
      assertThat(image.variance()[i]).isFinite();
    }
  }

  @Test
  void theVarianceIsBuiltBeforeTheFlat() {
    RawFrame frame = camera.flat(300);
    Image image = calibration.calibrate(frame, masters);
    Image plain = calibration.calibrate(frame, new Masters(masters.bias(), null));
    int i = 20 * WIDTH + 20;
    float response = masters.flat().level()[i];
    double biasError = masters.bias().error()[i] * Camera.GAIN;
    assertThat((double) plain.variance()[i])
        .isCloseTo(
            plain.science()[i] + 100 + biasError * biasError, within(1e-4 * plain.variance()[i]));
    assertThat(image.science()[i] * response)
        .isCloseTo(plain.science()[i], within(1e-4f * plain.science()[i]));
    assertThat(image.variance()[i] * response * response)
        .isCloseTo(plain.variance()[i], within(1e-4f * plain.variance()[i]));
    assertThat(image.response()).isSameAs(masters.flat().level());
    assertThat(plain.response()).isNull();
  }

  @Test
  void anImageIsFlatAndWithoutOffset() {
    double[] light = new double[WIDTH * HEIGHT];
    double scale = scale();
    for (int i = 0; i < light.length; i++) {
      light[i] = 1000 * camera.response[i] / scale;
    }
    Image image = calibration.calibrate(camera.frame(light), masters);
    for (int band = 0; band < 3; band++) {
      double mean = 0;
      for (int i = band * 100 * WIDTH; i < (band + 1) * 100 * WIDTH; i++) {
        mean += image.science()[i] / (100 * WIDTH);
      }
      assertThat(mean).isCloseTo(1000, within(1.5));
    }
  }

  @Test
  void aSaturatedPixelIsMaskedWithItsBleed() {
    RawFrame frame = camera.flat(200);
    for (int y = 100; y < 110; y++) {
      frame.pixels()[y * RAW_WIDTH + 50] = (float) Camera.SATURATION;
    }
    frame.pixels()[300 * RAW_WIDTH] = 65_535;
    Image image = calibration.calibrate(frame, masters);
    assertThat(flags(image, 50, 100)).isEqualTo(PixelFlag.SATURATED);
    assertThat(flags(image, 50, 98)).isEqualTo(PixelFlag.BLEED);
    assertThat(flags(image, 50, 111)).isEqualTo(PixelFlag.BLEED);
    assertThat(flags(image, 49, 105)).isEqualTo(PixelFlag.BLEED);
    assertThat(flags(image, 51, 105)).isEqualTo(PixelFlag.BLEED);
    assertThat(flags(image, 50, 97)).isZero();
    assertThat(flags(image, 50, 112)).isZero();
    assertThat(flags(image, 48, 105)).isZero();
    assertThat(flags(image, 0, 300)).isEqualTo(PixelFlag.SATURATED | PixelFlag.EDGE);
    assertThat(image.science()[105 * WIDTH + 50]).isGreaterThan(300_000f);
  }

  @Test
  void badHotNoisyDimAndDeadPixelsAreMaskedInEveryImage() {
    Master bias = copy(masters.bias());
    Master flat = copy(masters.flat());
    for (int y = 0; y < HEIGHT; y++) {
      bias.level()[y * WIDTH + 30] += 40;
    }
    bias.error()[60 * WIDTH + 60] = 5;
    bias.used()[61 * WIDTH + 60] = 0;
    flat.level()[62 * WIDTH + 60] = 0.1f;
    flat.level()[63 * WIDTH + 60] = Float.NaN;
    flat.level()[64 * WIDTH + 60] = 0.4f;
    Detector detector =
        new Detector(
            6.2, 10, 60_000, List.of(new Section(90, 10, 3, 2), new Section(200, 0, 99, 1)));
    RawFrame frame = camera.flat(200);
    frame.pixels()[80 * RAW_WIDTH + 80] = Float.NaN;
    frame.pixels()[80 * RAW_WIDTH + 82] = Float.POSITIVE_INFINITY;
    Image image =
        calibration.calibrate(
            new RawFrame(
                frame.pixels(), RAW_WIDTH, HEIGHT, frame.data(), frame.overscan(), detector),
            new Masters(bias, flat));
    assertThat(flags(image, 30, 50)).isEqualTo(PixelFlag.BAD);
    assertThat(flags(image, 32, 50)).isZero();
    assertThat(flags(image, 28, 50)).isZero();
    for (int y = 60; y < 64; y++) {
      assertThat(flags(image, 60, y)).isEqualTo(PixelFlag.BAD);
    }
    assertThat(flags(image, 60, 64)).isEqualTo(PixelFlag.LOW_RESPONSE);
    assertThat(flags(image, 90, 10)).isEqualTo(PixelFlag.BAD);
    assertThat(flags(image, 92, 11)).isEqualTo(PixelFlag.BAD);
    assertThat(flags(image, 93, 11)).isZero();
    assertThat(flags(image, 205, 0)).isEqualTo(PixelFlag.BAD | PixelFlag.EDGE);
    assertThat(flags(image, 80, 80)).isEqualTo(PixelFlag.NO_DATA);
    assertThat(flags(image, 82, 80) & PixelFlag.NO_DATA).isNotZero();
    assertThat(flags(image, 3, 50)).isEqualTo(PixelFlag.EDGE);
    assertThat(flags(image, 4, 50)).isZero();
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
      if (!Float.isFinite(image.science()[i])
          || !(image.variance()[i] > 0 && image.variance()[i] < Float.MAX_VALUE)) {
        throw new AssertionError("pixel %d is not finite".formatted(i));
      }
    }
    Image clean = calibration.calibrate(camera.flat(200), masters);
    assertThat(flags(clean, 30, 50)).isZero();
    int bad = 0;
    for (short bits : clean.mask()) {
      bad += (bits & PixelFlag.BAD) / PixelFlag.BAD;
    }
    assertThat(bad).isZero();
  }

  @Test
  void aColumnThatIsFullInEveryFrameIsBadAndDoesNotBleed() {
    Master bias = copy(masters.bias());
    RawFrame frame = camera.flat(200);
    for (int y = 0; y < HEIGHT; y++) {
      bias.level()[y * WIDTH + 30] = 64_000;
      frame.pixels()[y * RAW_WIDTH + 30] = 65_535;
    }
    Image image = calibration.calibrate(frame, new Masters(bias, masters.flat()));
    assertThat(flags(image, 30, 50)).isEqualTo(PixelFlag.BAD);
    assertThat(flags(image, 29, 50)).isZero();
    assertThat(flags(image, 31, 50)).isZero();
  }

  @Test
  void aFrameMostlySaturatedOrEmptyIsRejected() {
    RawFrame bright = camera.bias();
    Arrays.fill(bright.pixels(), 0, bright.pixels().length * 3 / 4, 65_535);
    assertThatThrownBy(() -> calibration.calibrate(bright, masters))
        .isInstanceOf(ImageRejected.class)
        .hasMessage("saturated: 75 % of the pixels reach 60000 ADU, at most 50 % may");
    RawFrame empty = camera.bias();
    Arrays.fill(empty.pixels(), 0, empty.pixels().length * 3 / 4, Float.NaN);
    assertThatThrownBy(() -> calibration.calibrate(empty, masters))
        .isInstanceOf(ImageRejected.class)
        .hasMessageStartingWith("no data: 75 %");
  }

  @Test
  void mastersOfAnotherSizeAreRefused() {
    RawFrame small = new Camera(21, 100, 90).bias();
    assertThatThrownBy(() -> calibration.calibrate(small, masters))
        .isInstanceOf(ImageRejected.class)
        .hasMessageStartingWith(
            "wrong size: data section of 100 x 90 pixels, its master bias has 211 x 307");
  }

  private static double scale() {
    double[] sorted = camera.response.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static int flags(Image image, int x, int y) {
    return image.mask()[y * WIDTH + x];
  }

  private static Master copy(Master master) {
    return new Master(
        master.level().clone(),
        master.error().clone(),
        master.used().clone(),
        master.width(),
        master.height(),
        master.readNoise(),
        master.frames(),
        master.rejected());
  }
}

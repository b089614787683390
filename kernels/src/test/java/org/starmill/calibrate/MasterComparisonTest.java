package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.starmill.device.Devices;

/** Masters of one amplifier, night after night. */
class MasterComparisonTest {
  private static final int WIDTH = Camera.WIDTH;
  private static final int PIXELS = WIDTH * Camera.HEIGHT;

  /** Pixels of a box of 35 x 34 that are looked at: every third. */
  private static final int SAMPLED = 400;

  private static final double NOISE_ADU =
      Math.sqrt(Math.pow(Camera.READ_NOISE / Camera.GAIN, 2) + 1 / 12.0);

  private final MasterBuilder builder =
      new MasterBuilder(
          Devices.java(1),
          new MasterSettings(3, 30, 4, MasterSettings.DEFAULT.iterations(), Overscan.DEFAULT));

  private Master bias(Camera camera, int frames) {
    return builder.bias(MasterBuilderTest.biases(camera, frames));
  }

  private static Master with(Master master, float[] level, short[] used) {
    return new Master(
        level,
        master.error(),
        used,
        master.width(),
        master.height(),
        master.readNoise(),
        master.frames(),
        master.rejected());
  }

  @Test
  void biasesOfACameraThatStayedAsItWasDifferByTheirErrorsAlone() {
    for (int frames : new int[] {3, 10, 20}) {
      Camera camera = new Camera(21);
      MasterChange change = MasterComparison.ofBiases(bias(camera, frames), bias(camera, frames));
      double noise = NOISE_ADU * Math.sqrt(2.0 / frames);
      assertThat(change.level())
          .as("level")
          .isCloseTo(0, within(5 * 1.25 * noise / Math.sqrt(PIXELS)));
      assertThat(change.shape()).as("shape").isLessThan(4.5 * 1.25 * noise / Math.sqrt(SAMPLED));
      assertThat(change.scatter()).as("scatter of %d frames", frames).isCloseTo(1, within(0.06));
      assertThat(change.share()).as("share of %d frames", frames).isLessThan(3e-4);
    }
  }

  @Test
  void aBiasThatJumpedByTenCountsSaysSoAndItsPatternIsFoundUnchanged() {
    Camera camera = new Camera(22);
    Master before = bias(camera, 10);
    Master now = bias(camera, 10);
    float[] level = now.level().clone();
    for (int i = 0; i < level.length; i++) {
      level[i] += 10;
    }
    MasterChange jumped = MasterComparison.ofBiases(with(now, level, now.used()), before);
    MasterChange quiet = MasterComparison.ofBiases(now, before);
    assertThat(jumped.level()).isCloseTo(quiet.level() + 10, within(1e-3));
    assertThat(jumped.shape()).isCloseTo(quiet.shape(), within(1e-3));
    assertThat(jumped.scatter()).isCloseTo(quiet.scatter(), within(1e-3));
    assertThat(jumped.share()).isCloseTo(quiet.share(), within(2e-5));
  }

  @Test
  void aColumnThatTurnedHotAndOneThatDiedAreCountedPixelByPixel() {
    Camera camera = new Camera(23);
    Master before = bias(camera, 10);
    Master now = bias(camera, 10);
    float[] level = now.level().clone();
    short[] used = now.used().clone();
    for (int y = 0; y < Camera.HEIGHT; y++) {
      level[y * WIDTH + 40] += 30;
      used[y * WIDTH + 90] = 0;
    }
    MasterChange change = MasterComparison.ofBiases(with(now, level, used), before);
    double quiet = MasterComparison.ofBiases(now, before).share();
    assertThat(change.share() - quiet).isCloseTo(2.0 / WIDTH, within(0.01 * 2 / WIDTH));
    assertThat(change.level()).isCloseTo(0, within(0.05));
  }

  @Test
  void aLampThatShinesOtherwiseChangesTheShapeAndNotTheScatter() {
    Camera camera = new Camera(24);
    Master bias = bias(camera, 10);
    Master before = builder.flat(MasterBuilderTest.flats(camera, 10, 20_000), bias);
    Master now = builder.flat(MasterBuilderTest.flats(camera, 10, 20_000), bias);
    MasterChange quiet = MasterComparison.ofFlats(now, before);
    assertThat(quiet.level()).isCloseTo(0, within(1e-4));
    assertThat(quiet.shape()).isLessThan(4e-4);
    assertThat(quiet.scatter()).isCloseTo(1, within(0.06));
    assertThat(quiet.share()).isLessThan(1e-4);

    float[] tilted = now.level().clone();
    for (int i = 0; i < tilted.length; i++) {
      tilted[i] *= 1 + 0.01f * (i % WIDTH - WIDTH / 2) / WIDTH;
    }
    MasterChange change = MasterComparison.ofFlats(with(now, tilted, now.used()), before);
    // Half of a box of six lies between the middle of the outermost and the edge.
    assertThat(change.shape()).isCloseTo(0.005 * 5 / 6, within(4e-4));
    assertThat(change.level()).isCloseTo(0, within(5e-4));
    assertThat(change.scatter()).isCloseTo(1, within(0.15));
  }

  @Test
  void aFlatsDeadPixelsAreNotComparedAndOneThatDiedCounts() {
    float[] level = new float[64 * 64];
    float[] error = new float[level.length];
    short[] used = new short[level.length];
    Random random = new Random(25);
    java.util.Arrays.fill(error, 0.01f);
    java.util.Arrays.fill(used, (short) 5);
    float[] later = new float[level.length];
    for (int i = 0; i < level.length; i++) {
      level[i] = i < 640 ? 0.1f * (float) random.nextDouble() : 1;
      later[i] = i < 640 ? 0.1f * (float) random.nextDouble() : i < 704 ? 0.05f : 1;
    }
    MasterChange change =
        MasterComparison.ofFlats(
            new Master(later, error, used, 64, 64, Double.NaN, List.of(), List.of()),
            new Master(level, error, used, 64, 64, Double.NaN, List.of(), List.of()));
    assertThat(change.share()).isEqualTo(64.0 / (4096 - 640));
  }

  @Test
  void mastersOfTwoSizesAndMastersWithoutAValueInCommonAreToldApart() {
    Master small =
        new Master(new float[4], new float[4], new short[4], 2, 2, 1, List.of(), List.of());
    Master other =
        new Master(new float[6], new float[6], new short[6], 3, 2, 1, List.of(), List.of());
    assertThatThrownBy(() -> MasterComparison.ofBiases(small, other))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2 x 2 and 3 x 2");
    MasterChange nothing = MasterComparison.ofBiases(small, small);
    assertThat(nothing.level()).isNaN();
    assertThat(nothing.scatter()).isNaN();
    assertThat(nothing.share()).isZero();
  }
}

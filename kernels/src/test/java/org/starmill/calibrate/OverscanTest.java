package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.starmill.image.Detector;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

class OverscanTest {
  private static final int ROWS = 1000;
  private static final double NOISE = 1.6;

  @Test
  void aSlowDriftIsFollowedToAFewHundredthsOfAnAdu() {
    IntToDoubleFunction truth = y -> 1000 + 0.002 * y + 1.5 * Math.sin(y / 150.0);
    float[] levels = Overscan.DEFAULT.levels(frame(truth, 1));
    // One row's mean alone would be off by 0.29.
    assertThat(rms(levels, truth)).isLessThan(0.08);
  }

  @Test
  void aStepBetweenTwoRowsSurvives() {
    IntToDoubleFunction truth = y -> y < 400 ? 1000 : 1004;
    float[] levels = Overscan.DEFAULT.levels(frame(truth, 2));
    assertThat(levels[399]).isCloseTo(1000, within(0.5f));
    assertThat(levels[400]).isCloseTo(1004, within(0.5f));
    assertThat(rms(levels, truth)).isLessThan(0.1);
  }

  @Test
  void realScatterFromRowToRowIsKept() {
    SplittableRandom random = new SplittableRandom(3);
    double[] offset = random.doubles(ROWS, -2, 2).toArray();
    IntToDoubleFunction truth = y -> 1000 + offset[y];
    float[] levels = Overscan.DEFAULT.levels(frame(truth, 4));
    assertThat(rms(levels, truth)).isLessThan(0.35);
  }

  @Test
  void aRowThatAStarBledIntoIsNotBelieved() {
    RawFrame frame = frame(y -> 1000, 5);
    for (int x = 40; x < 72; x++) {
      frame.pixels()[500 * 72 + x] += 300;
    }
    assertThat(Overscan.DEFAULT.levels(frame)[500]).isCloseTo(1000, within(0.3f));
  }

  @Test
  void chargeLeftBehindAndPixelsWithoutValueDoNotCount() {
    RawFrame frame = frame(y -> 1000, 6);
    SplittableRandom random = new SplittableRandom(7);
    for (int y = 0; y < ROWS; y++) {
      frame.pixels()[y * 72 + 40] += 20;
      frame.pixels()[y * 72 + 41] += 4;
      frame.pixels()[y * 72 + 45 + random.nextInt(20)] = Float.NaN;
    }
    Arrays.fill(frame.pixels(), 300 * 72, 310 * 72, Float.NaN);
    assertThat(rms(Overscan.DEFAULT.levels(frame), y -> 1000)).isLessThan(0.08);
  }

  @Test
  void withoutOverscanTheLevelIsNought() {
    RawFrame frame = frame(y -> 1000, 8);
    RawFrame bare = new RawFrame(frame.pixels(), 72, ROWS, frame.data(), null, frame.detector());
    assertThat(Overscan.DEFAULT.levels(bare)).hasSize(ROWS).containsOnly(0f);
  }

  @Test
  void anOverscanAboveTheDataGivesOneLevel() {
    RawFrame frame = frame(y -> y < 900 ? 5000 : 1000, 9);
    RawFrame above =
        new RawFrame(
            frame.pixels(),
            72,
            ROWS,
            new Section(0, 0, 72, 900),
            new Section(0, 900, 72, 100),
            frame.detector());
    float[] levels = Overscan.DEFAULT.levels(above);
    assertThat(levels).hasSize(900).containsOnly(levels[0]);
    assertThat(levels[0]).isCloseTo(1000, within(1f));
  }

  @Test
  void anOverscanWithoutAnyValueIsAReasonToRejectTheFrame() {
    RawFrame frame = frame(y -> 1000, 10);
    Arrays.fill(frame.pixels(), Float.NaN);
    assertThatThrownBy(() -> Overscan.DEFAULT.levels(frame))
        .isInstanceOf(ImageRejected.class)
        .hasMessageStartingWith("empty overscan");
  }

  private static RawFrame frame(IntToDoubleFunction level, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] raw = new float[72 * ROWS];
    for (int i = 0; i < raw.length; i++) {
      raw[i] = (float) Math.rint(level.applyAsDouble(i / 72) + NOISE * random.nextGaussian());
    }
    return new RawFrame(
        raw,
        72,
        ROWS,
        new Section(0, 0, 40, ROWS),
        new Section(40, 0, 32, ROWS),
        new Detector(6.2, 10, 60_000, java.util.List.of()));
  }

  private static double rms(float[] levels, IntToDoubleFunction truth) {
    double squares = 0;
    for (int y = 0; y < levels.length; y++) {
      squares += Math.pow(levels[y] - truth.applyAsDouble(y), 2);
    }
    return Math.sqrt(squares / levels.length);
  }
}

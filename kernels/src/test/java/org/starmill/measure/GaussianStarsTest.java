package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.psf.PsfModel;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;

/** Stars without wings, reduced with the default model, a Moffat. */
class GaussianStarsTest {
  private static final double MOST_OFF = 0.003;

  @Tag("full")
  @Test
  void fluxesOfGaussianStarsAreRightUnderAMoffat() {
    CameraSettings camera =
        CameraSettings.ztfLike()
            .withSize(1024, 1024)
            .withStars(4000)
            .withSeed(2)
            .withPsf(PsfKind.GAUSSIAN, 2.0);
    try (Device device = Devices.java(2)) {
      SimulatedField field = SimulatedField.reduce(camera, Settings.with(PsfModel.MOFFAT), device);
      for (int[] bin : field.byMagnitude(field.isolated())) {
        int[] found = Arrays.stream(bin).filter(i -> field.match[i] >= 0).toArray();
        double error =
            SimulatedField.median(
                Arrays.stream(found)
                    .mapToDouble(i -> field.truth.fluxBound()[i] / field.truth.flux()[i])
                    .toArray());
        assertThat(SimulatedField.median(ratios(field, found)))
            .as("flux / truth from magnitude %.1f on", field.truth.mag()[bin[0]])
            .isCloseTo(1, within(MOST_OFF + 3 * 1.25 * error / Math.sqrt(found.length)));
      }
      int[] saturated =
          IntStream.range(0, field.truth.count())
              .filter(i -> field.truth.saturated()[i] && field.match[i] >= 0)
              .toArray();
      assertThat(saturated.length).isGreaterThan(3);
      assertThat(SimulatedField.median(ratios(field, saturated))).isCloseTo(1, within(0.03));
    }
  }

  private static double[] ratios(SimulatedField field, int[] chosen) {
    return Arrays.stream(chosen)
        .mapToDouble(i -> field.reduction.stars().flux()[field.match[i]] / field.truth.flux()[i])
        .toArray();
  }
}

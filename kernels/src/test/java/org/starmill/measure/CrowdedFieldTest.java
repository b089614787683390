package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.PixelFlag;
import org.starmill.sample.CameraSettings;

/** Stars whose light falls on each other are found, and their fluxes and errors are right. */
class CrowdedFieldTest {
  private static SimulatedField reduce(CameraSettings camera) {
    try (Device device = Devices.java(2)) {
      return SimulatedField.reduce(camera, ReductionSettings.DEFAULT, device);
    }
  }

  /** As many stars a pixel as 60,000 in the whole frame. */
  private static CameraSettings dense(long seed) {
    return CameraSettings.ztfLike().withSize(1024, 1027).withStars(6670).withSeed(seed);
  }

  @ParameterizedTest(name = "seed {0}")
  @CsvSource({"91", "92"})
  void aNinthOfTheDensestField(long seed) {
    check(reduce(dense(seed)), 0.87, 1.35, 1.25, 0.04);
  }

  @Tag("full")
  @ParameterizedTest(name = "seed {0}")
  @CsvSource({"93", "94"})
  void aFieldOfSixtyThousandStars(long seed) {
    check(
        reduce(CameraSettings.ztfLike().withStars(60_000).withSeed(seed)), 0.87, 1.35, 1.25, 0.04);
  }

  @Tag("full")
  @ParameterizedTest(name = "seed {0}")
  @CsvSource({"95", "96"})
  void aFieldOfTwentyThousandStars(long seed) {
    check(
        reduce(CameraSettings.ztfLike().withStars(20_000).withSeed(seed)), 0.87, 1.35, 1.25, 0.04);
  }

  private static void check(
      SimulatedField field, double completeness, double scatter, double width, double far) {
    int[] crowded = field.crowded();
    assertThat(crowded.length).isGreaterThan(1000);
    double[] pulls = field.pulls(crowded);
    double[] bias =
        Arrays.stream(crowded)
            .filter(i -> field.match[i] >= 0)
            .mapToDouble(
                i -> field.reduction.stars().flux()[field.match[i]] / field.truth.flux()[i] - 1)
            .toArray();
    double beyond = Arrays.stream(pulls).filter(pull -> Math.abs(pull) > 5).count();
    SoftAssertions.assertSoftly(
        softly -> {
          softly
              .assertThat(field.completeness(crowded))
              .as("completeness")
              .isGreaterThanOrEqualTo(completeness);
          softly
              .assertThat(SimulatedField.robustWidth(field.inBounds(crowded)))
              .as("scatter of flux over the bound of the star alone")
              .isLessThanOrEqualTo(scatter);
          softly
              .assertThat(SimulatedField.robustWidth(pulls))
              .as("width of (flux - truth) / flux_err")
              .isLessThanOrEqualTo(width);
          softly
              .assertThat(beyond / pulls.length)
              .as("share of pulls beyond 5")
              .isLessThanOrEqualTo(far);
          // Companions closer than 0.6 FWHM with a joint signal-to-noise below 2 are there and
          // nobody can see them; their light is in the fluxes of those that can be seen.
          softly
              .assertThat(Math.abs(SimulatedField.median(bias)))
              .as("median of flux / truth - 1")
              .isLessThanOrEqualTo(0.016);
        });
  }

  @ParameterizedTest(name = "seed {0}")
  @CsvSource({"97", "98"})
  void ofTheStarsAboveSevenSigmaOneInAHundredIsNone(long seed) {
    // 500 cosmic rays in the whole frame.
    SimulatedField field =
        reduce(
            CameraSettings.ztfLike()
                .withSize(1024, 1027)
                .withStars(2200)
                .withCosmicRays(55)
                .withSeed(seed));
    assertThat(field.purity(7)).isGreaterThanOrEqualTo(0.99);
  }

  @Test
  void saturatedStarsAreFoundAndFlaggedAndTheirFluxesAreRight() {
    CameraSettings camera =
        CameraSettings.ztfLike().withSize(1536, 1536).withStars(5000).withSeed(99);
    camera =
        camera.withStars(new CameraSettings.Stars(5000, 0.25, 9.2, 19, camera.stars().zeroPoint()));
    SimulatedField field = reduce(camera);
    Stars stars = field.reduction.stars();
    int[] saturated =
        IntStream.range(0, field.truth.count())
            .filter(
                i ->
                    field.truth.saturated()[i]
                        && field.truth.inside()[i]
                        // Full of its own light, not of a neighbour's, and not cut by the edge.
                        && field.truth.flux()[i] > 3e6
                        && field.truth.neighbourDistance()[i] > 5
                        && inside(field.truth.x()[i])
                        && inside(field.truth.y()[i]))
            .toArray();
    assertThat(saturated.length).isGreaterThan(20);
    double[] ratio = new double[saturated.length];
    for (int k = 0; k < saturated.length; k++) {
      int i = saturated[k];
      assertThat(field.match[i])
          .as("star at %.0f %.0f", field.truth.x()[i], field.truth.y()[i])
          .isNotNegative();
      int flags = stars.flags()[field.match[i]];
      assertThat(flags & (PixelFlag.SATURATED | PixelFlag.BLEED)).isNotZero();
      ratio[k] = stars.flux()[field.match[i]] / field.truth.flux()[i];
    }
    assertThat(SimulatedField.median(ratio)).isBetween(0.99, 1.01);
    assertThat(Arrays.stream(ratio).filter(r -> Math.abs(r - 1) < 0.02).count())
        .as("of %d within 2 %%", ratio.length)
        .isGreaterThanOrEqualTo(ratio.length * 9 / 10);
  }

  private static boolean inside(double place) {
    return place > 40 && place < 1536 - 40;
  }
}

package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.psf.PsfModel;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import org.starmill.sample.StarBounds;

/**
 * Isolated stars of simulated fields, raw frame to flux: nothing is lost, nothing is biased, and
 * the errors are what they say.
 */
class SimulatedFieldTest {
  static Stream<Arguments> fields() {
    return Stream.of(
        Arguments.of(2_000, PsfModel.MOFFAT, 1L),
        Arguments.of(20_000, PsfModel.MOFFAT, 2L),
        Arguments.of(2_000, PsfModel.GAUSSIAN, 3L),
        Arguments.of(20_000, PsfModel.GAUSSIAN, 4L));
  }

  static Stream<Arguments> moreFields() {
    return Stream.of(PsfModel.values())
        .flatMap(
            model ->
                Stream.of(2_000, 20_000)
                    .flatMap(
                        stars ->
                            Stream.of(11L, 12L, 13L)
                                .map(seed -> Arguments.of(stars, model, seed))));
  }

  @ParameterizedTest(name = "{0} stars, {1}, seed {2}")
  @MethodSource("fields")
  void isolatedStarsAreFoundAndTheirFluxesAndErrorsAreRight(int stars, PsfModel model, long seed) {
    check(stars, model, seed);
  }

  @Tag("full")
  @ParameterizedTest(name = "{0} stars, {1}, seed {2}")
  @MethodSource("moreFields")
  void soItIsWithOtherStarsNoiseAndDust(int stars, PsfModel model, long seed) {
    check(stars, model, seed);
  }

  private static void check(int stars, PsfModel model, long seed) {
    CameraSettings camera = CameraSettings.ztfLike().withSeed(seed).withStars(stars);
    if (model == PsfModel.GAUSSIAN) {
      camera = camera.withPsf(PsfKind.GAUSSIAN, 2.0);
    }
    SimulatedField field;
    try (Device device = Devices.java(2)) {
      field = SimulatedField.reduce(camera, Settings.with(model), device);
    }
    int[] isolated = field.isolated();
    assertThat(isolated.length).isGreaterThan(stars / 5);
    SoftAssertions.assertSoftly(softly -> check(field, isolated, softly));
  }

  /**
   * The robust width of n normal numbers is uncertain by 1.17 / sqrt(n) of itself, their median by
   * 1.25 / sqrt(n): two of these are allowed on top of what is asked of the average of many fields.
   */
  private static void check(SimulatedField field, int[] isolated, SoftAssertions softly) {
    double slack = 2 * 1.17 / Math.sqrt(isolated.length);
    softly.assertThat(field.completeness(isolated)).as("completeness").isGreaterThanOrEqualTo(0.97);
    softly
        .assertThat(SimulatedField.robustWidth(field.inBounds(isolated)))
        .as("scatter of flux over the Cramer-Rao bound")
        .isLessThan(1.03 + slack);
    softly
        .assertThat(SimulatedField.robustWidth(field.pulls(isolated)))
        .as("width of (flux - truth) / flux_err")
        .isBetween(0.97 - slack, 1.03 + slack);
    for (int[] bin : field.byMagnitude(isolated)) {
      double[] pulls = field.pulls(bin);
      softly
          .assertThat(Math.abs(SimulatedField.median(pulls)))
          .as(
              "median pull of %d stars of magnitude %.1f to %.1f",
              bin.length, field.truth.mag()[bin[0]], field.truth.mag()[bin[bin.length - 1]])
          .isLessThan(0.1 + 2 * 1.25 / Math.sqrt(pulls.length));
    }
    softly
        .assertThat(positionOverBound(field, isolated))
        .as("position error over its bound")
        .isLessThan(1.15);
  }

  /**
   * Robust width of the errors of x and y over the bounds of stars fitted with their neighbours.
   */
  private static double positionOverBound(SimulatedField field, int[] isolated) {
    StarBounds bounds = field.jointBounds();
    Stars measured = field.reduction.stars();
    double[] errors =
        Arrays.stream(isolated)
            .filter(i -> field.match[i] >= 0 && Double.isFinite(bounds.x()[i]))
            .mapToObj(
                i ->
                    new double[] {
                      (measured.x()[field.match[i]] - field.truth.x()[i]) / bounds.x()[i],
                      (measured.y()[field.match[i]] - field.truth.y()[i]) / bounds.y()[i]
                    })
            .flatMapToDouble(Arrays::stream)
            .toArray();
    return SimulatedField.robustWidth(errors);
  }
}

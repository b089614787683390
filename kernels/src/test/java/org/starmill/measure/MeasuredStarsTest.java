package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.Image;
import org.starmill.image.ImageRejected;
import org.starmill.image.PixelFlag;
import org.starmill.psf.PsfModel;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;

/** What befalls stars that are not alone on good pixels in good seeing. */
class MeasuredStarsTest {
  private final Device device = Devices.java(2);

  @AfterEach
  void close() {
    device.close();
  }

  private SimulatedField field(CameraSettings camera, ReductionSettings settings) {
    return SimulatedField.reduce(camera, settings, device);
  }

  private static CameraSettings camera(int size, int stars, long seed) {
    return CameraSettings.ztfLike().withSize(size, size).withStars(stars).withSeed(seed);
  }

  @Test
  void stampsFollowTheSeeing() {
    // An image has some 25 such stars, and the error of its PSF moves all of them: several images.
    double[] pulls = {};
    for (long seed : new long[] {21, 31, 41}) {
      SimulatedField field =
          field(
              camera(1200, 400, seed).withConstantPsf(PsfKind.MOFFAT, 7),
              ReductionSettings.DEFAULT);
      assertThat(field.reduction.summary().psfFwhm()).isCloseTo(7, within(0.1));
      int[] bright =
          java.util.Arrays.stream(field.isolated())
              .filter(i -> field.truth.flux()[i] > 20 * field.truth.fluxBound()[i])
              .filter(i -> field.truth.neighbourDistance()[i] > 25)
              .toArray();
      assertThat(bright.length).isGreaterThan(15);
      assertThat(field.completeness(bright)).isGreaterThan(0.95);
      pulls =
          java.util.stream.DoubleStream.concat(
                  java.util.Arrays.stream(pulls), java.util.Arrays.stream(field.pulls(bright)))
              .toArray();
    }
    assertThat(SimulatedField.median(pulls)).isBetween(-0.4, 0.4);
    assertThat(SimulatedField.robustWidth(pulls)).isBetween(0.6, 1.6);
  }

  @Test
  void aSkyFittedWithEachStarCostsErrorAndNotTruth() {
    CameraSettings camera = camera(1024, 2000, 22);
    SimulatedField held = field(camera, ReductionSettings.DEFAULT);
    SimulatedField free = field(camera, Settings.withFreeSky());
    int[] isolated = free.isolated();
    assertThat(SimulatedField.robustWidth(free.pulls(isolated))).isBetween(0.9, 1.1);
    assertThat(Math.abs(SimulatedField.median(free.pulls(isolated)))).isLessThan(0.15);
    int compared = 0;
    int larger = 0;
    for (int i : isolated) {
      if (held.match[i] >= 0 && free.match[i] >= 0) {
        compared++;
        larger +=
            free.reduction.stars().fluxErr()[free.match[i]]
                    > held.reduction.stars().fluxErr()[held.match[i]]
                ? 1
                : 0;
      }
    }
    assertThat(compared).isGreaterThan(200);
    // A faint companion that only one of both found, at the threshold, has its share in the error.
    assertThat((double) larger / compared).isGreaterThan(0.97);
  }

  @Test
  void positionErrorsAreWhatTheySay() {
    SimulatedField field = field(camera(1024, 2000, 23), ReductionSettings.DEFAULT);
    Stars stars = field.reduction.stars();
    double[] pulls =
        java.util.Arrays.stream(field.isolated())
            .filter(i -> field.match[i] >= 0)
            .filter(i -> field.truth.flux()[i] > 10 * field.truth.fluxBound()[i])
            .mapToDouble(
                i ->
                    (stars.x()[field.match[i]] - field.truth.x()[i]) / stars.xErr()[field.match[i]])
            .toArray();
    assertThat(SimulatedField.robustWidth(pulls)).isBetween(0.88, 1.14);
    assertThat(Math.abs(SimulatedField.median(pulls))).isLessThan(0.15);
  }

  @Test
  void aSaturatedStarIsOneStarAndIsFlagged() {
    SimulatedField field = field(camera(1536, 12_000, 24), ReductionSettings.DEFAULT);
    int saturated = 0;
    for (int i = 0; i < field.truth.count(); i++) {
      // Full of its own light, not of a neighbour's.
      if (field.truth.saturated()[i] && field.truth.inside()[i] && field.truth.flux()[i] > 3e6) {
        saturated++;
        assertThat(field.match[i])
            .as("star at %.0f %.0f", field.truth.x()[i], field.truth.y()[i])
            .isNotNegative();
        int flags = field.reduction.stars().flags()[field.match[i]];
        assertThat(flags & (PixelFlag.SATURATED | PixelFlag.BLEED)).isNotZero();
      }
    }
    assertThat(saturated).isGreaterThan(3);
  }

  @Test
  void starsAreAsSharpAsThePsf() {
    SimulatedField field = field(camera(700, 800, 25), ReductionSettings.DEFAULT);
    Stars stars = field.reduction.stars();
    double[] sharp =
        java.util.Arrays.stream(field.isolated())
            .filter(i -> field.match[i] >= 0)
            .filter(i -> field.truth.flux()[i] > 50 * field.truth.fluxBound()[i])
            .mapToDouble(i -> stars.sharp()[field.match[i]])
            .toArray();
    assertThat(sharp.length).isGreaterThan(20);
    assertThat(SimulatedField.median(sharp)).isBetween(-0.01, 0.01);
    assertThat(SimulatedField.robustWidth(sharp)).isLessThan(0.05);
  }

  @Test
  void anEmptyImageHasNoStarsAndSaysSo() {
    int size = 300;
    float[] science = new float[size * size];
    float[] variance = new float[size * size];
    java.util.Random random = new java.util.Random(26);
    for (int i = 0; i < science.length; i++) {
      science[i] = (float) (1000 + 33 * random.nextGaussian());
      variance[i] = 1100;
    }
    Image image = new Image(science, variance, new short[science.length], null, size, size, 10);
    try (ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      assertThatThrownBy(() -> reducer.reduce(image))
          .isInstanceOf(ImageRejected.class)
          .hasMessageStartingWith("no stars");
    }
  }

  @Test
  void oneReducerServesImagesOfDifferentSizesAndGivesTheSameEachTime() {
    CameraSettings small = camera(300, 150, 27);
    CameraSettings large = camera(401, 250, 28);
    SimulatedField alone = field(small, ReductionSettings.DEFAULT);
    var camera = new org.starmill.sample.SimulatedCamera(small);
    var other = new org.starmill.sample.SimulatedCamera(large);
    try (ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      var smallMasters = SimulatedField.masters(camera, device, 10, 10);
      var largeMasters = SimulatedField.masters(other, device, 10, 10);
      for (int round = 0; round < 2; round++) {
        Stars first =
            reducer
                .reduce(SimulatedField.raw(camera, camera.science(0).frame()), smallMasters)
                .stars();
        assertThat(first.flux()).isEqualTo(alone.reduction.stars().flux());
        assertThat(first.x()).isEqualTo(alone.reduction.stars().x());
        reducer.reduce(SimulatedField.raw(other, other.science(0).frame()), largeMasters);
      }
    }
  }

  @Test
  void aGaussianModelOnMoffatStarsLosesTheWingsBeyondTheGridOfResiduals() {
    // 13 % in a fit over all of the star (Gaussian fitted to a Moffat of beta 3).
    assertThat(gaussianOverTruth(-1)).isBetween(0.84, 0.92);
    // The grid brings back the light as far as it reaches.
    assertThat(gaussianOverTruth(0)).isBetween(0.94, 0.995);
  }

  private double gaussianOverTruth(int residualOrder) {
    SimulatedField field =
        field(
            camera(900, 1500, 29),
            new Settings().psfModel(PsfModel.GAUSSIAN).psfResidualOrder(residualOrder).made());
    return SimulatedField.median(
        java.util.Arrays.stream(field.isolated())
            .filter(i -> field.match[i] >= 0)
            .filter(i -> field.truth.flux()[i] > 50 * field.truth.fluxBound()[i])
            .mapToDouble(
                i -> field.reduction.stars().flux()[field.match[i]] / field.truth.flux()[i])
            .toArray());
  }
}

package org.starmill.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class DitheredPairTest {
  private final SimulatedCamera camera =
      new SimulatedCamera(
          CameraSettings.ztfLike()
              .withSize(400, 400)
              .withoutBlemishes()
              .withStars(new CameraSettings.Stars(40, 0.3, 13, 15, 24.2)));
  private final SimulatedExposure first = camera.science(3);
  private final SimulatedExposure second = camera.dithered(3, new Dither(1.37, -2.61, 1.25));

  @Test
  void theStarsAreTheSameAndStandWhereTheShiftPutThem() {
    StarTruth one = first.stars();
    StarTruth two = second.stars();
    assertThat(two.flux()).isEqualTo(one.flux());
    for (int i = 0; i < one.count(); i++) {
      assertThat(two.x()[i] - one.x()[i]).isCloseTo(1.37, within(1e-9));
      assertThat(two.y()[i] - one.y()[i]).isCloseTo(-2.61, within(1e-9));
      assertThat(two.ra()[i]).isCloseTo(one.ra()[i], within(1e-9));
      assertThat(two.dec()[i]).isCloseTo(one.dec()[i], within(1e-9));
      assertThat(two.fwhm()[i] / one.fwhm()[i]).isCloseTo(1.25, within(0.01));
      assertThat(two.inside()[i])
          .isEqualTo(
              two.x()[i] >= -0.5 && two.x()[i] < 399.5 && two.y()[i] >= -0.5 && two.y()[i] < 399.5);
    }
  }

  @Test
  void theLightOfEachStarIsFoundAtItsPlaceInBothFrames() {
    int checked = 0;
    for (int i = 0; i < first.stars().count(); i++) {
      StarTruth stars = first.stars();
      if (stars.neighbourDistance()[i] > 30
          && stars.x()[i] > 30
          && stars.x()[i] < 370
          && stars.y()[i] > 30
          && stars.y()[i] < 370) {
        double[] one = centroid(first, i);
        double[] two = centroid(second, i);
        assertThat(one[0]).isCloseTo(0, within(0.1));
        assertThat(one[1]).isCloseTo(0, within(0.1));
        assertThat(two[0]).isCloseTo(0, within(0.1));
        assertThat(two[1]).isCloseTo(0, within(0.1));
        assertThat(two[2]).isCloseTo(one[2], within(0.03 * one[2]));
        checked++;
      }
    }
    assertThat(checked).isGreaterThan(5);
  }

  /** Centroid of a star's light relative to its true place, and the light, above the sky. */
  private static double[] centroid(SimulatedExposure exposure, int i) {
    StarTruth stars = exposure.stars();
    int column = (int) Math.round(stars.x()[i]);
    int row = (int) Math.round(stars.y()[i]);
    double sky = 0;
    for (int k = -12; k < 12; k++) {
      sky += exposure.frame().at(column + k, row - 12) / 96;
      sky += exposure.frame().at(column - k, row + 12) / 96;
      sky += exposure.frame().at(column - 12, row - k) / 96;
      sky += exposure.frame().at(column + 12, row + k) / 96;
    }
    double light = 0;
    double x = 0;
    double y = 0;
    for (int v = -8; v <= 8; v++) {
      for (int u = -8; u <= 8; u++) {
        if (Math.hypot(column + u - stars.x()[i], row + v - stars.y()[i]) < 7) {
          double value = exposure.frame().at(column + u, row + v) - sky;
          light += value;
          x += value * (column + u - stars.x()[i]);
          y += value * (row + v - stars.y()[i]);
        }
      }
    }
    return new double[] {x / light, y / light, light};
  }

  @Test
  void skyAndNoiseAreOfTheirOwn() {
    assertThat(Math.abs(second.skyLevel() / first.skyLevel() - 1)).isGreaterThan(0.01);
    assertThat(second.frame().adu()).isNotEqualTo(first.frame().adu());
    assertThat(camera.dithered(3, new Dither(0, 0, 1)).frame().adu())
        .isNotEqualTo(first.frame().adu());
    assertThat(camera.dithered(3, new Dither(1.37, -2.61, 1.25)).frame().adu())
        .isEqualTo(second.frame().adu());
  }

  @Test
  void aShiftThatWouldLeaveAnEdgeWithoutStarsIsRefused() {
    assertThatThrownBy(() -> new Dither(20, 0, 1))
        .hasMessage(
            "shift of 20.0, 0.0 pixels: expected at most 8, stars would be missing at the edge");
  }
}

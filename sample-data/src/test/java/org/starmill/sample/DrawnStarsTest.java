package org.starmill.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DrawnStarsTest {
  private static final CameraSettings SMALL =
      CameraSettings.ztfLike().withSize(256, 256).withStars(0);

  private static double[] one(double value) {
    return new double[] {value};
  }

  @ParameterizedTest
  @CsvSource({
    "MOFFAT, 1.5",
    "MOFFAT, 2",
    "MOFFAT, 3.3",
    "GAUSSIAN, 1.5",
    "GAUSSIAN, 2",
    "GAUSSIAN, 5",
    "COMA, 1.5",
    "COMA, 2",
    "COMA, 3.3"
  })
  void theSumOfAStarsPixelsIsItsFlux(PsfKind kind, double fwhm) {
    SimulatedCamera camera = new SimulatedCamera(SMALL.withPsf(kind, fwhm));
    for (double flux : new double[] {100, 1e4, 1e7}) {
      for (int phase = 0; phase < 8; phase++) {
        double x = 150 + phase / 8.0;
        double y = 149 + phase * phase / 64.0;
        double[] image = camera.drawStars(300, 300, one(x), one(y), one(flux));
        double sum = 0;
        for (double value : image) {
          sum += value;
        }
        assertThat(sum / flux).isCloseTo(1, within(1.3e-5));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "MOFFAT, 1.5",
    "MOFFAT, 2",
    "MOFFAT, 4",
    "GAUSSIAN, 1.5",
    "GAUSSIAN, 2",
    "GAUSSIAN, 4"
  })
  void everyPixelHoldsThePsfIntegratedOverIt(PsfKind kind, double fwhm) {
    SimulatedCamera camera = new SimulatedCamera(SMALL.withConstantPsf(kind, fwhm));
    double x = 20.31;
    double y = 19.77;
    double[] image = camera.drawStars(41, 41, one(x), one(y), one(1));
    double a = fwhm / (2 * Math.sqrt(Math.cbrt(2) - 1));
    double sigma = fwhm / Math.sqrt(8 * Math.log(2));
    int fine = 60;
    double allowed = 0;
    for (int row = 0; row < 41; row++) {
      for (int column = 0; column < 41; column++) {
        double sum = 0;
        for (int j = 0; j < fine; j++) {
          for (int i = 0; i < fine; i++) {
            double dx = column - x + (i + 0.5) / fine - 0.5;
            double dy = row - y + (j + 0.5) / fine - 0.5;
            double r2 = dx * dx + dy * dy;
            sum +=
                kind == PsfKind.MOFFAT
                    ? 2 / (Math.PI * a * a) * Math.pow(1 + r2 / (a * a), -3)
                    : Math.exp(-r2 / (2 * sigma * sigma)) / (2 * Math.PI * sigma * sigma);
          }
        }
        allowed += Math.abs(image[row * 41 + column] - sum / (fine * fine));
      }
    }
    // The midpoint rule above is itself good to about 2e-5 of the flux over all pixels.
    assertThat(allowed).isLessThan(5e-5);
  }

  @ParameterizedTest
  @EnumSource(PsfKind.class)
  void theFwhmMeasuredOnADrawnStarIsThatOfThePsfThere(PsfKind kind) {
    SimulatedCamera camera =
        new SimulatedCamera(SMALL.withPsf(new CameraSettings.Psf(kind, 24, 0.05, 0.1)));
    for (double[] place : new double[][] {{70, 70}, {180, 75}, {60, 190}, {127, 127}, {190, 190}}) {
      double[] image = camera.drawStars(256, 256, one(place[0]), one(place[1]), one(1e6));
      double peak = 0;
      for (double value : image) {
        peak = Math.max(peak, value);
      }
      int above = 0;
      for (double value : image) {
        above += value > 0.5 * peak ? 1 : 0;
      }
      // An ellipse of pi / 4 * major * minor lies above half of the maximum.
      double measured = Math.sqrt(4 * above / Math.PI);
      assertThat(measured).isCloseTo(camera.psfFwhmAt(place[0], place[1]), within(0.25));
    }
  }

  @Test
  void thePsfVariesSmoothlyByAFewPercentOverTheField() {
    SimulatedCamera camera = new SimulatedCamera(SMALL);
    double low = Double.MAX_VALUE;
    double high = 0;
    double roundest = 1;
    double longest = 0;
    for (int y = 0; y < 256; y += 5) {
      for (int x = 0; x < 256; x += 5) {
        low = Math.min(low, camera.psfFwhmAt(x, y));
        high = Math.max(high, camera.psfFwhmAt(x, y));
        roundest = Math.min(roundest, camera.psfEllipticityAt(x, y));
        longest = Math.max(longest, camera.psfEllipticityAt(x, y));
      }
    }
    assertThat(high / low).isBetween(1.02, 1.15);
    assertThat(longest).isBetween(0.02, 0.12);
    assertThat(roundest).isLessThan(0.02);
  }

  @Test
  void aStarBeyondTheEdgeSendsItsWingsOntoTheFrame() {
    SimulatedCamera camera = new SimulatedCamera(SMALL);
    double[] image = camera.drawStars(64, 64, one(-3), one(30), one(1e5));
    assertThat(image[30 * 64]).isGreaterThan(20);
    assertThat(image[30 * 64]).isGreaterThan(image[30 * 64 + 1]);
  }

  @Test
  void starsAddUp() {
    SimulatedCamera camera = new SimulatedCamera(SMALL);
    double[] both =
        camera.drawStars(
            64, 64, new double[] {30, 33.4}, new double[] {31, 30.2}, new double[] {5e3, 2e4});
    double[] left = camera.drawStars(64, 64, one(30), one(31), one(5e3));
    double[] right = camera.drawStars(64, 64, one(33.4), one(30.2), one(2e4));
    for (int i = 0; i < both.length; i++) {
      assertThat(both[i]).isCloseTo(left[i] + right[i], within(1e-9));
    }
  }

  @Test
  void listsOfDifferentLengthAreRefused() {
    SimulatedCamera camera = new SimulatedCamera(SMALL);
    assertThatThrownBy(() -> camera.drawStars(64, 64, one(1), one(1), new double[2]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 x, 1 y and 2 fluxes");
  }

  @Test
  void aStarWithComaLeansToOneSideAndItsPlaceIsTheCentroidOfItsLight() {
    SimulatedCamera camera = new SimulatedCamera(SMALL.withConstantPsf(PsfKind.COMA, 2));
    double[] image = camera.drawStars(201, 201, one(100.3), one(99.8), one(1));
    double x = 0;
    double y = 0;
    double skew = 0;
    for (int row = 0; row < 201; row++) {
      for (int column = 0; column < 201; column++) {
        double value = image[row * 201 + column];
        x += value * column;
        y += value * row;
        double along = (column - 100.3 + row - 99.8) / Math.sqrt(2);
        skew += Math.hypot(column - 100.3, row - 99.8) < 8 ? value * along * along * along : 0;
      }
    }
    assertThat(x).isCloseTo(100.3, within(2e-4));
    assertThat(y).isCloseTo(99.8, within(2e-4));
    assertThat(skew).isGreaterThan(0.1);
  }

  @Test
  void aStarWithComaIsASumOfTwoMoffatsIntegratedOverPixels() {
    SimulatedCamera camera = new SimulatedCamera(SMALL.withConstantPsf(PsfKind.COMA, 2));
    double[] image = camera.drawStars(41, 41, one(20.31), one(19.77), one(1));
    double aside = 2 * 0.125 * Math.sqrt(0.5);
    // The wide part ends at 15 FWHM and holds its whole share within.
    double scale = 4 / 1.027 / (2 * Math.sqrt(Math.pow(2, 1 / 2.25) - 1));
    double wide = 0.2 / (1 - Math.pow(1 + 900 / (scale * scale), -1.25));
    double error = 0;
    for (int row = 8; row < 33; row++) {
      for (int column = 8; column < 33; column++) {
        double sum = 0;
        int fine = 40;
        for (int j = 0; j < fine; j++) {
          for (int i = 0; i < fine; i++) {
            double dx = column - 20.31 + (i + 0.5) / fine - 0.5;
            double dy = row - 19.77 + (j + 0.5) / fine - 0.5;
            sum +=
                0.8 * moffat(dx + 0.2 * aside, dy + 0.2 * aside, 2 / 1.027, 3.5)
                    + wide * moffat(dx - 0.8 * aside, dy - 0.8 * aside, 4 / 1.027, 2.25);
          }
        }
        error += Math.abs(image[row * 41 + column] - sum / (fine * fine));
      }
    }
    // The midpoint rule above is itself good to about 3e-5 of the flux over all pixels.
    assertThat(error).isLessThan(6e-5);
  }

  private static double moffat(double dx, double dy, double fwhm, double beta) {
    double scale = fwhm / (2 * Math.sqrt(Math.pow(2, 1 / beta) - 1));
    return (beta - 1)
        / (Math.PI * scale * scale)
        * Math.pow(1 + (dx * dx + dy * dy) / (scale * scale), -beta);
  }
}

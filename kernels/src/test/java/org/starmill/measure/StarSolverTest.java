package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.Image;

/** Stars that are known are solved together: fluxes, errors, what is wider than the PSF. */
class StarSolverTest {
  private static final double FWHM = 2.2;
  private static final double SKY = 1000;

  private final Device device = Devices.java(2);

  @AfterEach
  void close() {
    device.close();
  }

  /** Stars on a square grid, each somewhere in its pixel. */
  static DrawnScene grid(int side, int spacing, double sky, double fwhm, double flux, long seed) {
    Random random = new Random(seed);
    double[] x = new double[side * side];
    double[] y = new double[side * side];
    double[] fluxes = new double[side * side];
    for (int i = 0; i < x.length; i++) {
      x[i] = spacing * (i % side + 0.5) + random.nextDouble();
      y[i] = spacing * (i / side + 0.5) + random.nextDouble();
      fluxes[i] = flux;
    }
    return new DrawnScene(side * spacing, side * spacing, sky, fwhm, x, y, fluxes);
  }

  /** Pairs of stars on a square grid, in all directions. */
  static DrawnScene pairs(
      int side, int spacing, double distance, double first, double second, long seed) {
    Random random = new Random(seed);
    int n = side * side;
    double[] x = new double[2 * n];
    double[] y = new double[2 * n];
    double[] flux = new double[2 * n];
    for (int i = 0; i < n; i++) {
      double angle = 2 * Math.PI * random.nextDouble();
      x[2 * i] = spacing * (i % side + 0.5) + random.nextDouble();
      y[2 * i] = spacing * (i / side + 0.5) + random.nextDouble();
      x[2 * i + 1] = x[2 * i] + distance * Math.cos(angle);
      y[2 * i + 1] = y[2 * i] + distance * Math.sin(angle);
      flux[2 * i] = first;
      flux[2 * i + 1] = second;
    }
    return new DrawnScene(side * spacing, side * spacing, SKY, FWHM, x, y, flux);
  }

  @ParameterizedTest(name = "{0} FWHM apart, fluxes 1 : {1}")
  @CsvSource({"0.8, 1", "0.8, 3", "1.2, 1", "1.2, 3"})
  void theErrorsOfABlendHoldTheNeighboursShare(double distance, double ratio) {
    double faint = DrawnScene.fluxOf(40, SKY, FWHM);
    DrawnScene scene = pairs(30, 26, distance * FWHM, ratio * faint, faint, 41);
    Planes planes = scene.planes(scene.image(42));
    StarList stars = scene.known(43);
    StarSolver solver = scene.solver(device, planes, stars, scene.psf(), 12);
    assertThat(DrawnScene.settle(solver, stars, 20)).isLessThanOrEqualTo(stars.count() / 50);
    solver.errors(stars);
    int[] measured = scene.places(stars);
    for (int which = 0; which < 2; which++) {
      double[] pulls = new double[900];
      double[] errors = new double[900];
      for (int i = 0; i < pulls.length; i++) {
        int star = measured[2 * i + which];
        pulls[i] =
            (ImageReducer.withoutPositionBias(stars.flux[star], stars.errorFlux[star])
                    - scene.flux[2 * i + which])
                / stars.errorFlux[star];
        errors[i] = stars.errorFlux[star];
      }
      assertThat(DrawnScene.standardDeviation(pulls)).as("width of pulls").isBetween(0.9, 1.1);
      assertThat(Math.abs(DrawnScene.mean(pulls))).as("mean pull").isLessThan(0.15);
      if (distance < 1) {
        // What the pair would be said to have, each star fitted alone.
        assertThat(SimulatedField.median(errors))
            .isGreaterThan(2 * DrawnScene.bound(scene.flux[which], SKY, FWHM));
      }
    }
  }

  @ParameterizedTest(name = "signal-to-noise {0}")
  @ValueSource(doubles = {8, 30, 200})
  void aLoneStarReachesItsBound(double signal) {
    double flux = DrawnScene.fluxOf(signal, SKY, FWHM);
    DrawnScene scene = grid(20, 30, SKY, FWHM, flux, 44);
    StarList stars = scene.known(45);
    StarSolver solver = scene.solver(device, scene.planes(scene.image(46)), stars, scene.psf(), 12);
    assertThat(DrawnScene.settle(solver, stars, 12)).isLessThanOrEqualTo(stars.count() / 50);
    solver.errors(stars);
    double[] pulls = pulls(scene, stars);
    assertThat(DrawnScene.standardDeviation(pulls)).isBetween(0.9, 1.1);
    assertThat(Math.abs(DrawnScene.mean(pulls))).isLessThan(0.15);
    double bound = DrawnScene.bound(flux, SKY, FWHM);
    for (int i = 0; i < stars.count(); i++) {
      // A faint star's stamp ends at 2.5 FWHM; its flux, and so its noise, is the measured one.
      assertThat((double) stars.errorFlux[i]).isCloseTo(bound, within(0.06 * bound));
    }
  }

  private static double[] pulls(DrawnScene scene, StarList stars) {
    int[] measured = scene.places(stars);
    double[] pulls = new double[scene.count()];
    for (int i = 0; i < pulls.length; i++) {
      int star = measured[i];
      double error = stars.errorFlux[star];
      pulls[i] =
          (ImageReducer.withoutPositionBias(stars.flux[star], (float) error) - scene.flux[i])
              / error;
    }
    return pulls;
  }

  /**
   * A variance taken from the data gives low pixels high weights: with 25 electrons a pixel fluxes
   * would come out low by about an electron a pixel, several standard deviations of the mean.
   */
  @Test
  void theVarianceIsTheModelsAndNotTheDatas() {
    double sky = 5;
    double flux = DrawnScene.fluxOf(15, sky, FWHM);
    DrawnScene scene = grid(20, 30, sky, FWHM, flux, 47);
    StarList stars = scene.known(48);
    Image image = scene.image(49);
    StarSolver solver = scene.solver(device, scene.planes(image), stars, scene.psf(), 12);
    DrawnScene.settle(solver, stars, 12);
    solver.errors(stars);
    assertThat(Math.abs(DrawnScene.mean(pulls(scene, stars)))).isLessThan(0.15);
  }

  @Test
  void aBrightFluctuationDoesNotRaiseItsStarsError() {
    double flux = DrawnScene.fluxOf(60, SKY, FWHM);
    DrawnScene scene = grid(2, 40, SKY, FWHM, flux, 50);
    Image image = scene.image(51);
    int core = (int) Math.round(scene.y[0]) * scene.width + (int) Math.round(scene.x[0]);
    float[] errors = new float[2];
    double deviation = Math.sqrt(image.variance()[core]);
    for (int lifted = 0; lifted < 2; lifted++) {
      Planes planes = scene.planes(image);
      StarList stars = scene.known(52);
      StarSolver solver = scene.solver(device, planes, stars, scene.psf(), 12);
      DrawnScene.settle(solver, stars, 12);
      // The model stands: what is seen of a pixel now must not change what its weight is.
      planes.image[core] += lifted * 4 * (float) deviation;
      solver.psf(scene.psf(), (int) Math.ceil(3.5 * FWHM));
      solver.arrange(stars);
      solver.errors(stars);
      errors[lifted] = stars.errorFlux[scene.places(stars)[0]];
    }
    assertThat(errors[1]).isEqualTo(errors[0]);
  }

  @ParameterizedTest(name = "{0} times as wide")
  @ValueSource(doubles = {0.95, 0.98, 1, 1.02, 1.05})
  void sharpIsTheChangeOfLnFwhmThatFitsBest(double wider) {
    DrawnScene scene = grid(6, 40, SKY, wider * FWHM, 300_000, 53);
    StarList stars = scene.known(54);
    StarSolver solver =
        scene.solver(device, scene.planes(scene.image(55)), stars, scene.psf(1 / wider), 12);
    DrawnScene.settle(solver, stars, 12);
    float[] numbers = solver.quality(stars);
    double[] sharp = new double[stars.count()];
    for (int i = 0; i < sharp.length; i++) {
      int o = i * StarQualityKernel.NUMBERS;
      sharp[i] =
          numbers[o + StarQualityKernel.SIZE]
              / (stars.flux[i] * numbers[o + StarQualityKernel.SIZE_NORM]);
    }
    assertThat(SimulatedField.median(sharp))
        .isCloseTo(Math.log(wider), within(0.002 + 0.1 * Math.abs(Math.log(wider))));
  }

  @Test
  void starsThatAreKnownToBeTwoAreSettledInFewSweeps() {
    double bright = DrawnScene.fluxOf(100, SKY, FWHM);
    DrawnScene scene = pairs(8, 30, FWHM, bright, bright, 59);
    StarList stars = scene.known(60);
    StarSolver solver = scene.solver(device, scene.planes(scene.image(61)), stars, scene.psf(), 12);
    assertThat(DrawnScene.settle(solver, stars, 5)).isLessThanOrEqualTo(stars.count() / 10);
  }
}

package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.Image;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import org.starmill.sample.SimulatedCamera;

/** Two stars are found to be two, and one stays one. */
class BlendsTest {
  private static final double FWHM = 2.2;
  private static final double SKY = 1000;

  private final Device device = Devices.java(2);

  @AfterEach
  void close() {
    device.close();
  }

  /** Single stars of signal-to-noise 30 to 1000 on a grid. */
  private static DrawnScene singles(int side, int spacing, long seed) {
    Random random = new Random(seed);
    DrawnScene grid = StarSolverTest.grid(side, spacing, SKY, FWHM, 1, seed);
    double[] flux = new double[grid.count()];
    for (int i = 0; i < flux.length; i++) {
      double signal = 30 * Math.pow(1000.0 / 30, random.nextDouble());
      flux[i] = DrawnScene.fluxOf(signal, SKY, FWHM);
    }
    return new DrawnScene(grid.width, grid.height, SKY, FWHM, grid.x, grid.y, flux);
  }

  @ParameterizedTest(name = "PSF {0} times as wide as the stars")
  @ValueSource(doubles = {0.99, 1, 1.01})
  void aStarIsNotSplitByAPsfThatIsOnePerCentOff(double wider) {
    DrawnScene scene = singles(23, 30, 81);
    StarList stars = scene.known(82);
    StarSolver solver =
        scene.solver(device, scene.planes(scene.image(83)), stars, scene.psf(wider), 12);
    DrawnScene.settle(solver, stars, 12);
    int before = stars.count();
    Blends.split(stars, solver, scene.psf(wider), star -> false);
    assertThat(stars.count() - before).isLessThanOrEqualTo(before / 100);
  }

  /** The PSF is fitted, and the stars differ from it by 1 % each, half of them either way. */
  @Test
  void aStarGetsNoCompanionWhereThePsfIsOnePerCentOff() {
    DrawnScene scene = singles(23, 30, 84);
    double[] light = new double[scene.light.length];
    for (int half = 0; half < 2; half++) {
      int which = half;
      int[] chosen = IntStream.range(0, scene.count()).filter(i -> i % 2 == which).toArray();
      double[] part =
          new SimulatedCamera(
                  CameraSettings.ztfLike()
                      .withSize(scene.width, scene.height)
                      .withConstantPsf(PsfKind.MOFFAT, FWHM * (half == 0 ? 0.99 : 1.01)))
              .drawStars(
                  scene.width,
                  scene.height,
                  IntStream.of(chosen).mapToDouble(i -> scene.x[i]).toArray(),
                  IntStream.of(chosen).mapToDouble(i -> scene.y[i]).toArray(),
                  IntStream.of(chosen).mapToDouble(i -> scene.flux[i]).toArray());
      for (int i = 0; i < light.length; i++) {
        light[i] += part[i];
      }
    }
    System.arraycopy(light, 0, scene.light, 0, light.length);
    Stars stars = reduce(scene.image(85));
    int companions = 0;
    for (int i = 0; i < scene.count(); i++) {
      int[] near = DrawnScene.within(stars, scene.x[i], scene.y[i], 2.5 * FWHM);
      assertThat(near).isNotEmpty();
      // Noise near a star is found as elsewhere, from 3 standard deviations on: that is no half.
      boolean split = false;
      for (int k : near) {
        double distance = Math.hypot(stars.x()[k] - scene.x[i], stars.y()[k] - scene.y[i]);
        boolean itself = stars.flux()[k] > 0.5 * scene.flux[i] && distance < 0.5;
        boolean noise = distance > FWHM && stars.flux()[k] < 5 * stars.fluxErr()[k];
        split |= !itself && !noise;
      }
      companions += split ? 1 : 0;
    }
    assertThat(companions).isLessThanOrEqualTo(scene.count() / 100);
  }

  private Stars reduce(Image image) {
    try (ImageReducer reducer = new ImageReducer(device, new Settings().made())) {
      return reducer.reduce(image).stars();
    }
  }

  @Test
  void twoStarsOfSignalFiftyAtFourFifthsOfTheFwhmAreFoundToBeTwo() {
    double flux = DrawnScene.fluxOf(50, SKY, FWHM);
    DrawnScene pairs = StarSolverTest.pairs(20, 30, 0.8 * FWHM, flux, flux, 86);
    // Two of three places have a single, brighter star instead: for the PSF.
    int n = pairs.count() / 2;
    double[] fluxes = pairs.flux.clone();
    for (int i = 0; i < n; i++) {
      if (i % 3 != 0) {
        fluxes[2 * i] = 4 * flux;
        fluxes[2 * i + 1] = 0;
      }
    }
    DrawnScene scene =
        new DrawnScene(pairs.width, pairs.height, SKY, FWHM, pairs.x, pairs.y, fluxes);
    Stars stars = reduce(scene.image(87));
    int found = 0;
    int blends = 0;
    int flagged = 0;
    for (int i = 0; i < n; i++) {
      if (fluxes[2 * i + 1] > 0) {
        blends++;
        double middleX = (scene.x[2 * i] + scene.x[2 * i + 1]) / 2;
        double middleY = (scene.y[2 * i] + scene.y[2 * i + 1]) / 2;
        int[] near = DrawnScene.within(stars, middleX, middleY, FWHM);
        if (near.length == 2) {
          found++;
          int bits = stars.flags()[near[0]] & stars.flags()[near[1]];
          flagged += (bits & StarFlag.BLENDED) != 0 ? 1 : 0;
        }
      }
    }
    assertThat(blends).isEqualTo(134);
    assertThat((double) found / blends).isGreaterThan(0.9);
    assertThat((double) flagged / found).isGreaterThan(0.7);
  }
}

package org.starmill.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class StarBoundsTest {
  private static final int SIDE = 96;
  private final SimulatedCamera camera =
      new SimulatedCamera(
          CameraSettings.ztfLike()
              .withSize(SIDE, SIDE)
              .withoutBlemishes()
              .withResponse(new CameraSettings.Response(0, 0, 0, 0, 0, 0, 0))
              .withFlatSky(200)
              .withConstantPsf(PsfKind.MOFFAT, 2)
              .withStars(0));

  private StarTruth truth(double[] x, double[] y, double[] flux) {
    int count = x.length;
    double[] bound = new double[count];
    for (int i = 0; i < count; i++) {
      double information = 0;
      double[] star = camera.drawStars(SIDE, SIDE, one(x[i]), one(y[i]), one(flux[i]));
      for (double value : star) {
        information += value * value / (flux[i] * flux[i] * (1240 + 100 + value));
      }
      bound[i] = 1 / Math.sqrt(information);
    }
    double[] fwhm = new double[count];
    Arrays.fill(fwhm, 2);
    double[] none = new double[count];
    return new StarTruth(
        x, y, none, none, flux, none, bound, fwhm, new boolean[count], new boolean[count], none);
  }

  private static double[] one(double value) {
    return new double[] {value};
  }

  @Test
  void aLoneStarIsBoundAsAlone() {
    StarTruth star = truth(one(47.3), one(48.1), one(20_000));
    StarBounds bounds = camera.jointBounds(0, star);
    assertThat(bounds.flux()[0] / star.fluxBound()[0]).isCloseTo(1, within(0.002));
  }

  @Test
  void closeStarsAreBoundByTheInverseOfTheirCommonInformation() {
    double[] x = {47.3, 49.1};
    double[] y = {48.1, 47.2};
    double[] flux = {20_000, 9_000};
    StarBounds bounds = camera.jointBounds(0, truth(x, y, flux));

    double[][] slopes = new double[6][];
    for (int star = 0; star < 2; star++) {
      for (int free = 0; free < 3; free++) {
        double step = free == 0 ? 1 : 1e-3;
        double[][] shifted = new double[2][];
        for (int side = 0; side < 2; side++) {
          double[] u = x.clone();
          double[] v = y.clone();
          double[] f = flux.clone();
          (free == 0 ? f : free == 1 ? u : v)[star] += side == 0 ? -step : step;
          shifted[side] = camera.drawStars(SIDE, SIDE, u, v, f);
        }
        slopes[3 * star + free] = new double[SIDE * SIDE];
        for (int i = 0; i < SIDE * SIDE; i++) {
          slopes[3 * star + free][i] = (shifted[1][i] - shifted[0][i]) / (2 * step);
        }
      }
    }
    double[] light = camera.drawStars(SIDE, SIDE, x, y, flux);
    double[][] information = new double[6][6];
    for (int a = 0; a < 6; a++) {
      for (int b = 0; b < 6; b++) {
        for (int i = 0; i < light.length; i++) {
          information[a][b] += slopes[a][i] * slopes[b][i] / (1240 + 100 + light[i]);
        }
      }
    }
    double[] variances = diagonalOfInverse(information);
    for (int star = 0; star < 2; star++) {
      assertThat(bounds.flux()[star] / Math.sqrt(variances[3 * star])).isCloseTo(1, within(0.01));
      assertThat(bounds.x()[star] / Math.sqrt(variances[3 * star + 1])).isCloseTo(1, within(0.01));
      assertThat(bounds.y()[star] / Math.sqrt(variances[3 * star + 2])).isCloseTo(1, within(0.01));
    }
  }

  /** Gauss-Jordan. */
  private static double[] diagonalOfInverse(double[][] matrix) {
    int n = matrix.length;
    double[][] work = new double[n][2 * n];
    for (int i = 0; i < n; i++) {
      System.arraycopy(matrix[i], 0, work[i], 0, n);
      work[i][n + i] = 1;
    }
    for (int k = 0; k < n; k++) {
      double pivot = work[k][k];
      for (int j = 0; j < 2 * n; j++) {
        work[k][j] /= pivot;
      }
      for (int i = 0; i < n; i++) {
        double factor = work[i][k];
        for (int j = 0; i != k && j < 2 * n; j++) {
          work[i][j] -= factor * work[k][j];
        }
      }
    }
    double[] diagonal = new double[n];
    for (int i = 0; i < n; i++) {
      diagonal[i] = work[i][n + i];
    }
    return diagonal;
  }

  @Test
  void aStarTooFaintToBeKnownHasNoBoundAndDisturbsNone() {
    StarTruth stars =
        truth(new double[] {47.3, 48.3}, new double[] {48.1, 48.1}, new double[] {20_000, 60});
    StarBounds bounds = camera.jointBounds(0, stars);
    assertThat(bounds.flux()[1]).isNaN();
    assertThat(bounds.flux()[0] / stars.fluxBound()[0]).isCloseTo(1, within(0.005));
  }

  @Test
  void theStarsWithinADistanceAreThoseThatAreSoNear() {
    Dice dice = new Dice(5);
    double[] x = new double[300];
    double[] y = new double[300];
    for (int i = 0; i < 300; i++) {
      x[i] = dice.uniform(-5, 60);
      y[i] = dice.uniform(-8, 40);
    }
    NearbyStars nearby = new NearbyStars(x, y, 7);
    for (double distance : new double[] {0.5, 3, 20}) {
      for (int k = 0; k < 100; k++) {
        double atX = dice.uniform(-20, 80);
        double atY = dice.uniform(-20, 60);
        Set<Integer> found = new TreeSet<>();
        nearby.within(distance, atX, atY, found::add);
        Set<Integer> expected = new TreeSet<>();
        for (int i = 0; i < 300; i++) {
          if (Math.hypot(x[i] - atX, y[i] - atY) < distance) {
            expected.add(i);
          }
        }
        assertThat(found).isEqualTo(expected);
      }
    }
  }
}

package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.sample.CameraSettings;

/** What a circle about a star holds of its light, and with what error. */
class AperturesTest {
  private static final ApertureSettings SIX = ApertureSettings.DEFAULT;
  private static final ApertureKernel GEOMETRY = new ApertureKernel();
  private static Device device;

  @BeforeAll
  static void openDevice() {
    device = Devices.java(1);
  }

  @AfterAll
  static void closeDevice() {
    device.close();
  }

  private static ApertureSettings oneOf(double radius) {
    return new ApertureSettings(List.of(radius), Math.max(10, radius), 15 + radius);
  }

  private static double sampledOverlap(double dx, double dy, double r) {
    int samples = 1000;
    int inside = 0;
    for (int j = 0; j < samples; j++) {
      double y = dy - 0.5 + (j + 0.5) / samples;
      for (int i = 0; i < samples; i++) {
        double x = dx - 0.5 + (i + 0.5) / samples;
        inside += x * x + y * y < r * r ? 1 : 0;
      }
    }
    return inside / ((double) samples * samples);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.5, 0.7, 1, 1.49, 1.5, 3, 7, 50})
  void theOverlapOfCircleAndPixelIsThatOfAMillionSamples(double r) {
    Random random = new Random(3);
    for (int n = 0; n < 6; n++) {
      // About the edge of the circle, and beside an axis, where pixels are cut most oddly.
      double angle = n == 0 ? 0.01 : 2 * Math.PI * random.nextDouble();
      double distance = r + 1.2 * (random.nextDouble() - 0.5);
      float dx = (float) (distance * Math.cos(angle));
      float dy = (float) (distance * Math.sin(angle));

      assertThat((double) GEOMETRY.overlap(dx, dy, (float) r))
          .as("pixel at %s, %s", dx, dy)
          .isCloseTo(sampledOverlap(dx, dy, r), within(4e-5));
    }
  }

  @Test
  void aCircleWithinAPixelAndAPixelWithinACircleOverlapByTheSmaller() {
    assertThat((double) GEOMETRY.overlap(0, 0, 0.5f)).isCloseTo(Math.PI / 4, within(1e-6));
    assertThat(GEOMETRY.overlap(0.3f, -0.2f, 1.2f)).isEqualTo(1f);
    assertThat(GEOMETRY.overlap(20, -30, 50)).isEqualTo(1f);
    assertThat(GEOMETRY.overlap(2.6f, 0, 2)).isZero();
    assertThat(GEOMETRY.overlap(2, 2, 2)).isZero();
    assertThat((double) GEOMETRY.overlap(0.5f, -0.5f, 1)).isCloseTo(Math.PI / 4, within(1e-6));
  }

  @Test
  void theOverlapsOfAllPixelsAddUpToTheCircle() {
    Random random = new Random(4);
    for (int n = 0; n < 100; n++) {
      float r = 0.5f + 12 * random.nextFloat();
      float x = random.nextFloat() - 0.5f;
      float y = random.nextFloat() - 0.5f;
      double sum = 0;
      for (int py = -15; py <= 15; py++) {
        for (int px = -15; px <= 15; px++) {
          sum += GEOMETRY.overlap(px - x, py - y, r);
        }
      }
      assertThat(sum).isCloseTo(Math.PI * r * r, within(2e-6 * Math.PI * r * r + 1e-5));
    }
  }

  @Test
  void aStarWithoutNoiseHasTheLightThatItsPsfHasInTheCircle() {
    ApertureField field = ApertureField.of(device, 50.3, 49.8, 1e5);
    ApertureField.Fluxes measured = field.measure(SIX);
    for (int k = 0; k < SIX.radii().size(); k++) {
      double r = SIX.radii().get(k);
      assertThat(measured.flux()[k][0] / 1e5)
          .as("radius " + r)
          .isCloseTo(encircled(2.3, 0.3, -0.2, r), within(4e-4));
    }
    double a2 = 2.3 * 2.3 / 4 / (Math.cbrt(2) - 1);
    assertThat(measured.flux()[5][0] / 1e5).isCloseTo(1 - Math.pow(1 + 49 / a2, -2), within(0.001));
  }

  /** Light of a Moffat of beta 3 on pixels, in a circle about it, by sums over fine grids. */
  private static double encircled(double fwhm, double x, double y, double r) {
    double a2 = fwhm * fwhm / 4 / (Math.cbrt(2) - 1);
    int fine = 100;
    int reach = (int) Math.ceil(r + 1);
    double all = 0;
    for (int py = -reach; py <= reach; py++) {
      for (int px = -reach; px <= reach; px++) {
        double light = 0;
        double inside = 0;
        for (int j = 0; j < fine * fine; j++) {
          double dx = px - x - 0.5 + (j % fine + 0.5) / fine;
          double dy = py - y - 0.5 + (j / fine + 0.5) / fine;
          double r2 = dx * dx + dy * dy;
          light += 2 / (Math.PI * a2) * Math.pow(1 + r2 / a2, -3);
          inside += r2 < r * r ? 1 : 0;
        }
        all += light * inside / Math.pow(fine, 4);
      }
    }
    return all;
  }

  @Test
  void theImageCountsNotTheFluxThatWasFitted() {
    ApertureField field = ApertureField.of(device, 50.3, 49.8, 1e4);
    ApertureField.Fluxes right = field.measure(SIX);
    field.stars.flux[0] *= 1.1f;
    field.draw();

    ApertureField.Fluxes wrong = field.measure(SIX);

    for (int k = 0; k < SIX.radii().size(); k++) {
      assertThat(wrong.flux()[k][0]).isCloseTo(right.flux()[k][0], within(1f));
    }
  }

  @Test
  void errorsAreTheScatterOfManyNoisyStars() {
    for (double flux : new double[] {500, 30_000}) {
      ApertureField field = ApertureField.grid(device, 50, flux, 5);
      ApertureField.Fluxes truth = field.measure(SIX);
      field.addNoise(new Random(6));
      ApertureField.Fluxes noisy = field.measure(SIX);
      for (int k = 0; k < SIX.radii().size(); k++) {
        double sum = 0;
        int n = field.stars.count();
        for (int i = 0; i < n; i++) {
          double pull = (noisy.flux()[k][i] - truth.flux()[k][i]) / noisy.error()[k][i];
          sum += pull * pull;
        }
        // 2,500 stars tell their scatter to 1.4 %.
        assertThat(Math.sqrt(sum / n))
            .as("flux %.0f, radius %.1f", flux, SIX.radii().get(k))
            .isCloseTo(1, within(0.05));
      }
    }
  }

  @Test
  void overlapsCountSquaredInTheVariance() {
    ApertureField field = ApertureField.of(device, 50, 50, 0);
    double[] sums = new double[1];
    for (int y = -3; y <= 3; y++) {
      for (int x = -3; x <= 3; x++) {
        double overlap = sampledOverlap(x, y, 1.5);
        sums[0] += overlap * overlap;
      }
    }

    double error = field.measure(oneOf(1.5)).error()[0][0];

    assertThat(error).isCloseTo(Math.sqrt(ApertureField.BASE * sums[0]), within(0.01 * error));
    assertThat(sums[0]).isLessThan(0.85 * Math.PI * 1.5 * 1.5);
  }

  @Test
  void aPedestalUnderTheStarIsTakenOff() {
    ApertureField field = ApertureField.of(device, 50.3, 49.8, 1e4);
    ApertureField.Fluxes level = field.measure(SIX);
    for (int i = 0; i < field.planes.image.length; i++) {
      field.planes.image[i] += 23f;
    }
    // A star in the ring that nobody has found, and a hit pixel.
    field.planes.image[62 * 101 + 50] += 900f;
    field.planes.image[62 * 101 + 51] += 300f;
    field.planes.image[40 * 101 + 45] += 1e6f;
    field.draw();

    ApertureField.Fluxes lifted = field.measure(SIX);

    for (int k = 0; k < SIX.radii().size(); k++) {
      double area = Math.PI * SIX.radii().get(k) * SIX.radii().get(k);
      assertThat((lifted.flux()[k][0] - level.flux()[k][0]) / area).isCloseTo(0, within(0.01));
    }
  }

  @Test
  void neighboursThatAreInTheModelDoNotBias() {
    ApertureField alone = ApertureField.of(device, 50.3, 49.8, 1e4);
    ApertureField crowded =
        new ApertureField(
            device,
            101,
            2.3,
            new double[] {50.3, 53.1, 48, 50},
            new double[] {49.8, 51.2, 45, 62},
            1e4);
    ApertureField.Fluxes one = alone.measure(SIX);
    ApertureField.Fluxes among = crowded.measure(SIX);
    for (int k = 0; k < SIX.radii().size(); k++) {
      // Far wings that the model leaves out lie in the ring: electrons, below the noise of 10.
      assertThat(among.flux()[k][0]).isCloseTo(one.flux()[k][0], within(20f));
      assertThat(among.error()[k][0]).isGreaterThan(one.error()[k][0]);
    }
  }

  @Test
  void aLostPixelIsFilledWithTheStarsModelAndTheErrorKnows() {
    ApertureField field = ApertureField.of(device, 50.3, 49.8, 1e4);
    ApertureSettings three = oneOf(3);
    ApertureField.Fluxes whole = field.measure(three);
    field.mask(51, 50);
    field.stars.errorFlux[0] = 0;
    ApertureField.Fluxes sure = field.measure(three);
    field.stars.errorFlux[0] = 1000;
    ApertureField.Fluxes unsure = field.measure(three);

    assertThat(sure.flux()[0][0]).isCloseTo(whole.flux()[0][0], within(2f));
    assertThat(unsure.error()[0][0]).isGreaterThan(sure.error()[0][0]).isGreaterThan(0.1f * 1000);
  }

  @Test
  void anApertureWithoutItsCoreHasNoFlux() {
    ApertureField field = ApertureField.of(device, 50.3, 49.8, 1e4);
    field.mask(50, 50);
    field.mask(51, 50);
    field.mask(50, 49);
    ApertureField.Fluxes measured = field.measure(SIX);
    for (int k = 0; k < SIX.radii().size(); k++) {
      assertThat(measured.flux()[k][0]).isNaN();
      assertThat(measured.error()[k][0]).isNaN();
    }
  }

  @Test
  void aStarAtTheEdgeHasTheAperturesThatHoldMostOfItsLight() {
    ApertureField field =
        new ApertureField(
            device, 101, 2.3, new double[] {1.2, 3.4, 50}, new double[] {50, 99.2, 50}, 1e4);
    ApertureField.Fluxes measured = field.measure(SIX);
    assertThat(measured.flux()[3][0]).isCloseTo(measured.flux()[3][2], within(150f));
    assertThat(measured.flux()[3][1]).isCloseTo(measured.flux()[3][2], within(150f));
  }

  @Test
  void withoutARingOfSkyThereIsNoFlux() {
    ApertureField field = ApertureField.of(device, 50, 50, 1e4);
    for (int i = 0; i < field.planes.base.length; i++) {
      int dx = i % 101 - 50;
      int dy = i / 101 - 50;
      if (dx * dx + dy * dy > 81) {
        field.planes.base[i] = 0;
      }
    }
    field.draw();
    assertThat(field.measure(SIX).flux()[0][0]).isNaN();
  }

  @Test
  void theVectorApiMeasuresWhatTheScalarSourceMeasures() {
    assumeTrue(Devices.VECTORS, "this JVM has no module jdk.incubator.vector");
    for (double flux : new double[] {300, 20_000}) {
      bothWaysAgree(flux);
    }
  }

  private static void bothWaysAgree(double flux) {
    ApertureField field = ApertureField.grid(device, 12, flux, 7);
    Random random = new Random(8);
    field.addNoise(random);
    for (int i = 0; i < 300; i++) {
      field.mask(random.nextInt(field.planes.width), random.nextInt(field.planes.height));
    }
    for (ApertureSettings settings :
        List.of(SIX, oneOf(0.5), oneOf(1.3), new ApertureSettings(List.of(2.0, 8.5), 8.5, 19.3))) {
      ApertureField.Fluxes fast = field.measure(settings);
      ApertureField.Fluxes plain;
      try (Device scalar = Devices.scalarJava(1)) {
        plain = field.measure(scalar, settings);
      }
      for (int k = 0; k < settings.radii().size(); k++) {
        for (int i = 0; i < field.stars.count(); i++) {
          float error = plain.error()[k][i];
          if (Float.isNaN(error)) {
            assertThat(fast.error()[k][i]).isNaN();
          } else {
            assertThat(fast.error()[k][i]).isCloseTo(error, within(1e-4f * error));
            assertThat(fast.flux()[k][i]).isCloseTo(plain.flux()[k][i], within(0.01f * error));
          }
        }
      }
    }
  }

  private static Stars asStars(ApertureField field, ApertureField.Fluxes measured, int flags) {
    int n = field.stars.count();
    double[] place = new double[n];
    float[] zero = new float[n];
    float[] one = new float[n];
    Arrays.fill(one, 1f);
    int[] bits = new int[n];
    Arrays.fill(bits, flags);
    return new Stars(
        place,
        place,
        one,
        one,
        field.stars.flux,
        one,
        zero,
        one,
        zero,
        one,
        one,
        measured.flux(),
        measured.error(),
        bits,
        new int[n]);
  }

  @Test
  void theCorrectionTurnsApertureFluxesIntoThoseOfThePsf() {
    ApertureField field = ApertureField.grid(device, 12, 100_000, 9);
    ApertureField.Fluxes truth = field.measure(SIX);
    field.addNoise(new Random(10));
    ApertureField.Fluxes measured = field.measure(SIX);

    ApertureSummary summary = new Apertures(device, SIX).summary(asStars(field, measured, 0));

    assertThat(summary.stars()).isEqualTo(144);
    assertThat(summary.radius()).containsExactly(1, 1.5, 2, 3, 5, 7);
    for (int k = 0; k < 6; k++) {
      double share = 0;
      for (float flux : truth.flux()[k]) {
        share += flux / 100_000 / 144;
      }
      double error = summary.correctionErr()[k];
      assertThat(summary.correction()[k]).isCloseTo(1 / share, within(4 * error));
      assertThat(summary.growth()[k]).isCloseTo(share, within(4 * error));
      assertThat(error).isBetween(2e-4, 0.01);
      assertThat(summary.correctionScatter()[k]).isCloseTo(error / 1.2533 * 12, within(1e-6));
    }
    for (int k = 1; k < 6; k++) {
      assertThat(summary.growth()[k]).isGreaterThan(summary.growth()[k - 1]);
    }
  }

  @Test
  void fromSpoiltStarsThereIsNoCorrection() {
    ApertureField field = ApertureField.grid(device, 4, 100_000, 9);
    ApertureField.Fluxes measured = field.measure(SIX);
    Apertures apertures = new Apertures(device, SIX);
    assertThat(apertures.summary(asStars(field, measured, 0)).stars()).isEqualTo(16);
    for (int flag : new int[] {2, StarFlag.NOT_CONVERGED, StarFlag.BLENDED}) {
      ApertureSummary summary = apertures.summary(asStars(field, measured, flag));
      assertThat(summary.stars()).isZero();
      assertThat(summary.correction()).containsOnly(Double.NaN);
      assertThat(summary.growth()).containsOnly(Double.NaN);
    }
  }

  @Test
  void aReducedImagesAperturesAgreeWithTheTruthWithinTheirErrors() {
    SimulatedField field =
        SimulatedField.reduce(
            CameraSettings.ztfLike().withSize(800, 800).withStars(900).withSeed(31),
            ReductionSettings.DEFAULT,
            device);
    Stars stars = field.reduction.stars();
    ApertureSummary summary = field.reduction.summary().apertures();
    assertThat(summary.stars()).isGreaterThan(20);
    for (int k = 2; k < 5; k++) {
      int aperture = k;
      double correction = summary.correction()[k];
      double[] pulls =
          Arrays.stream(field.isolated())
              .filter(i -> field.match[i] >= 0)
              .filter(i -> !Float.isNaN(stars.aperFlux()[aperture][field.match[i]]))
              .mapToDouble(
                  i -> {
                    int star = field.match[i];
                    double found = stars.aperFlux()[aperture][star] * correction;
                    double error = stars.aperFluxErr()[aperture][star] * correction;
                    return (found - field.truth.flux()[i]) / error;
                  })
              .toArray();
      assertThat(pulls.length).isGreaterThan(150);
      assertThat(SimulatedField.robustWidth(pulls)).as("radius %d", k).isBetween(0.85, 1.15);
      assertThat(SimulatedField.median(pulls)).as("radius %d", k).isBetween(-0.25, 0.25);
    }
  }
}

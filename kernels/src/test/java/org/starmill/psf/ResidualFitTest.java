package org.starmill.psf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.Devices;

/** A PSF that is no Moffat is described by the grid of residuals, and a Moffat needs none. */
class ResidualFitTest {
  private static final int SIZE = 1200;
  private static final int COLUMNS = 14;
  private static final double SKY_VARIANCE = 1400;
  private static final int REACH = 30;

  /** Nodes on [-1/2, 1/2] and weights of Gauss-Legendre quadrature; here on thirds of a pixel. */
  private static final double[] NODE = {-0.5 * Math.sqrt(0.6), 0, 0.5 * Math.sqrt(0.6)};

  private static final double[] WEIGHT = {5.0 / 18, 4.0 / 9, 5.0 / 18};

  private final Device device = Devices.java(2);
  private final float[] image = new float[SIZE * SIZE];
  private final float[] base = new float[SIZE * SIZE];
  private final float[] dark = new float[SIZE * SIZE];

  @AfterEach
  void close() {
    device.close();
  }

  /** A star's light at a distance from its centre; its width may depend on its flux. */
  private interface Profile {
    double at(double x, double y, double flux);
  }

  private static double moffat(double x, double y, double fwhm, double beta) {
    double s = 4 * (Math.pow(2, 1 / beta) - 1) / (fwhm * fwhm);
    return (beta - 1) * s / Math.PI * Math.pow(1 + s * (x * x + y * y), -beta);
  }

  private static double coma(double x, double y) {
    return 0.8 * moffat(x + 0.05, y + 0.05, 1.95, 3.5) + 0.2 * moffat(x - 0.2, y - 0.2, 3.4, 3);
  }

  private static double pixel(Profile profile, double x, double y, double flux) {
    int parts = Math.hypot(x, y) < 6 ? 3 : 1;
    double sum = 0;
    for (int a = 0; a < parts * parts; a++) {
      for (int n = 0; n < 9; n++) {
        double px = x + (a % parts + 0.5 + NODE[n % 3]) / parts - 0.5;
        double py = y + (a / parts + 0.5 + NODE[n / 3]) / parts - 0.5;
        sum += WEIGHT[n % 3] * WEIGHT[n / 3] * profile.at(px, py, flux);
      }
    }
    return sum / (parts * parts);
  }

  private PsfStars draw(Profile profile, long seed) {
    Random random = new Random(seed);
    int n = COLUMNS * COLUMNS;
    int[] x = new int[n];
    int[] y = new int[n];
    float[] offsetX = new float[n];
    float[] offsetY = new float[n];
    float[] start = new float[n];
    float[] photon = new float[n];
    Arrays.fill(photon, 1f);
    Arrays.fill(base, (float) SKY_VARIANCE);
    double[] light = new double[SIZE * SIZE];
    int spacing = SIZE / COLUMNS;
    for (int i = 0; i < n; i++) {
      x[i] = spacing / 2 + spacing * (i % COLUMNS);
      y[i] = spacing / 2 + spacing * (i / COLUMNS);
      double dx = random.nextDouble() - 0.5;
      double dy = random.nextDouble() - 0.5;
      double flux = 40_000 * Math.pow(10, 1.4 * random.nextDouble());
      for (int py = -REACH; py <= REACH; py++) {
        for (int px = -REACH; px <= REACH; px++) {
          light[(y[i] + py) * SIZE + x[i] + px] += flux * pixel(profile, px - dx, py - dy, flux);
        }
      }
      offsetX[i] = (float) (dx + 0.05 * random.nextGaussian());
      offsetY[i] = (float) (dy + 0.05 * random.nextGaussian());
      start[i] = 1e-3f * (float) flux;
    }
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) (light[i] + Math.sqrt(SKY_VARIANCE + light[i]) * random.nextGaussian());
    }
    return new PsfStars(x, y, offsetX, offsetY, start, photon);
  }

  private PsfFit.Result fit(PsfStars stars, int residualOrder) {
    Psf start = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2.3, 3);
    return new PsfFit(device)
        .fit(image, dark, base, SIZE, SIZE, stars, start, 1, residualOrder, Double.NaN, 5, 8);
  }

  /** Flux of a star of flux 1 without noise, fitted with its position free, by phase. */
  private static double[] fluxesByPhase(Psf psf, Profile profile) {
    PsfStampKernel kernel = new PsfStampKernel();
    kernel.configure(psf);
    float[] form = new float[PsfKernel.FORM];
    psf.formAt(SIZE / 2.0, SIZE / 2.0, form, 0);
    double[] fluxes = new double[16];
    float[] out = new float[3];
    for (int phase = 0; phase < 16; phase++) {
      double dx = phase % 4 / 4.0 - 0.5;
      double dy = phase / 4 / 4.0 - 0.5;
      double x = dx;
      double y = dy;
      double flux = 1;
      for (int step = 0; step < 4; step++) {
        double[][] matrix = new double[3][3];
        double[] right = new double[3];
        for (int py = -7; py <= 7; py++) {
          for (int px = -7; px <= 7; px++) {
            kernel.pixelAndSlopes(
                form, 0, (float) (px - x), (float) (py - y), kernel.order(px, py), out, 0);
            double left = pixel(profile, px - dx, py - dy, 1) - flux * out[0];
            double weight = 1 / (1e-4 + Math.max(0, out[0]));
            double[] by = {flux * out[1], flux * out[2], out[0]};
            for (int a = 0; a < 3; a++) {
              right[a] += weight * by[a] * left;
              for (int b = 0; b < 3; b++) {
                matrix[a][b] += weight * by[a] * by[b];
              }
            }
          }
        }
        double[] change = DenseMatrix.times(DenseMatrix.inverseOfPositive(matrix), right);
        x += change[0];
        y += change[1];
        flux += change[2];
      }
      fluxes[phase] = flux;
    }
    return fluxes;
  }

  @Test
  void aPsfOfTwoMoffatsWithComaIsRightAtEveryPhase() {
    Profile profile = (x, y, flux) -> coma(x, y);
    PsfStars stars = draw(profile, 1);
    PsfFit.Result without = fit(stars, -1);
    PsfFit.Result with = fit(stars, 0);
    assertThat(with.psf().hasResidual()).isTrue();
    assertThat(with.chi2()).isBetween(0.97, 1.02).isLessThan(without.chi2());
    assertThat(with.modelError()).isLessThan(0.5 * without.modelError());
    double[] fluxes = fluxesByPhase(with.psf(), profile);
    assertThat(Arrays.stream(fluxes).max().orElseThrow()).isCloseTo(1, within(0.002));
    assertThat(Arrays.stream(fluxes).min().orElseThrow()).isCloseTo(1, within(0.002));
  }

  /** Some of the stars, the brightest among them. */
  private static PsfStars few(PsfStars stars, int count) {
    int brightest =
        IntStream.range(0, stars.count())
            .reduce(0, (a, b) -> stars.flux()[b] > stars.flux()[a] ? b : a);
    int[] chosen =
        IntStream.range(0, count).map(k -> (brightest + k * 23) % stars.count()).toArray();
    return new PsfStars(
        Arrays.stream(chosen).map(i -> stars.centreX()[i]).toArray(),
        Arrays.stream(chosen).map(i -> stars.centreY()[i]).toArray(),
        picked(stars.offsetX(), chosen),
        picked(stars.offsetY(), chosen),
        picked(stars.flux(), chosen),
        picked(stars.photon(), chosen));
  }

  private static float[] picked(float[] values, int[] chosen) {
    float[] picked = new float[chosen.length];
    for (int i = 0; i < chosen.length; i++) {
      picked[i] = values[chosen[i]];
    }
    return picked;
  }

  @Test
  void tenStarsTellOfAPsfOfTwoMoffats() {
    Profile profile = (x, y, flux) -> coma(x, y);
    PsfStars stars = few(draw(profile, 7), 10);
    PsfFit.Result without = fit(stars, -1);
    PsfFit.Result with = fit(stars, 1);
    assertThat(with.psf().hasResidual()).isTrue();
    assertThat(with.used()[0]).as("the brightest is used").isTrue();
    assertThat(with.chi2()).isBetween(0.95, 1.05).isLessThan(without.chi2());
    assertThat(with.modelError()).isLessThan(0.5 * without.modelError());
    for (double flux : fluxesByPhase(with.psf(), profile)) {
      assertThat(flux).isCloseTo(1, within(0.006));
    }
  }

  @Test
  void tenStarsOfAMoffatAreNotTakenForMore() {
    Profile profile = (x, y, flux) -> moffat(x, y, 2, 3);
    PsfFit.Result result = fit(few(draw(profile, 8), 10), 1);
    assertThat(result.modelError()).isLessThan(0.01);
    for (double flux : fluxesByPhase(result.psf(), profile)) {
      assertThat(flux).isCloseTo(1, within(0.004));
    }
  }

  @Test
  void aMoffatStaysAMoffat() {
    Profile profile = (x, y, flux) -> moffat(x, y, 2, 3);
    PsfFit.Result result = fit(draw(profile, 2), 1);
    assertThat(result.psf().hasResidual()).isFalse();
    assertThat(result.modelError()).isLessThan(0.004);
    for (double flux : fluxesByPhase(result.psf(), profile)) {
      assertThat(flux).isCloseTo(1, within(0.001));
    }
  }

  @Test
  void starsHeldOutTellOfAPsfThatGrowsWithBrightness() {
    // A twentieth wider for each factor of ten in flux, as charge repels charge.
    Profile growing = (x, y, flux) -> moffat(x, y, 2 * (1 + 0.05 * Math.log10(flux / 2e5)), 3);
    PsfHoldOut grows = fit(draw(growing, 3), -1).holdOut();
    PsfHoldOut same = fit(draw((x, y, flux) -> moffat(x, y, 2, 3), 3), -1).holdOut();
    assertThat(grows.stars()).isBetween(25, 40);
    assertThat(grows.sizeByMag()).isCloseTo(-0.02, within(0.008));
    assertThat(same.sizeByMag()).isCloseTo(0, within(0.004));
    assertThat(same.size()).isCloseTo(0, within(0.003));
    assertThat(same.flux()).isCloseTo(0, within(0.003));
  }

  @Test
  void slopesOfTheResidualsAreDifferences() {
    Psf psf = withWaves();
    PsfStampKernel kernel = new PsfStampKernel();
    kernel.configure(psf);
    float[] form = new float[PsfKernel.FORM];
    psf.formAt(200, 900, form, 0);
    float[] out = new float[3];
    Random random = new Random(4);
    for (int k = 0; k < 200; k++) {
      float x = 10 * random.nextFloat() - 5;
      float y = 10 * random.nextFloat() - 5;
      float h = 0.01f;
      kernel.pixelAndSlopes(form, 0, x, y, 3, out, 0);
      assertThat(out[0]).isEqualTo(kernel.pixel(form, 0, x, y, 3));
      double byX = kernel.pixel(form, 0, x - h, y, 3) - kernel.pixel(form, 0, x + h, y, 3);
      double byY = kernel.pixel(form, 0, x, y - h, 3) - kernel.pixel(form, 0, x, y + h, 3);
      assertThat((double) out[1]).isCloseTo(byX / (2 * h), within(2e-4));
      assertThat((double) out[2]).isCloseTo(byY / (2 * h), within(2e-4));
    }
  }

  /** A PSF with residuals of one percent of the peak, different from node to node. */
  private static Psf withWaves() {
    Psf moffat = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    int side = 19;
    double[] coefficients = new double[side * side * 3];
    for (int k = 0; k < coefficients.length; k++) {
      int node = k / 3;
      coefficients[k] =
          0.002 * Math.sin(0.7 * (node % side)) * Math.cos(0.4 * (node / side) + k % 3);
    }
    return moffat.with(new PsfResidual(2, 9, 3, coefficients, moffat));
  }

  @Test
  void stampsWithResidualsAreThoseOfTheScalarSource() {
    assumeTrue(Devices.VECTORS, "this JVM has no module jdk.incubator.vector");
    Psf psf = withWaves();
    PsfStampKernel kernel = new PsfStampKernel();
    kernel.configure(psf);
    float[] form = new float[PsfKernel.FORM];
    float[] out = new float[3];
    Random random = new Random(6);
    for (int radius : new int[] {3, 5, 8, 11, 20}) {
      psf.formAt(SIZE * random.nextDouble(), SIZE * random.nextDouble(), form, 0);
      float x = 1.4f * random.nextFloat() - 0.7f;
      float y = 1.4f * random.nextFloat() - 0.7f;
      PsfStamps stamps = new PsfStamps(kernel);
      stamps.slopes(form, 0, radius, x, y);
      int stride = PsfStamps.stride(radius);
      for (int py = -radius; py <= radius; py++) {
        for (int px = -radius; px <= radius; px++) {
          kernel.pixelAndSlopes(form, 0, px - x, py - y, kernel.order(px, py), out, 0);
          int at = (py + radius) * stride + px + radius;
          assertThat(stamps.value[at]).isCloseTo(out[0], within(2e-6f));
          assertThat(stamps.slopeX[at]).isCloseTo(out[1], within(5e-6f));
          assertThat(stamps.slopeY[at]).isCloseTo(out[2], within(5e-6f));
        }
      }
      for (int py = -radius; py <= radius; py++) {
        stamps.row(form, 0, -radius, py, stride / PsfStamps.LANES, x, y);
        for (int px = -radius; px <= radius; px++) {
          float expected = kernel.pixel(form, 0, px - x, py - y, kernel.order(px, py));
          assertThat(stamps.value[px + radius]).isCloseTo(expected, within(2e-6f));
        }
      }
    }
  }
}

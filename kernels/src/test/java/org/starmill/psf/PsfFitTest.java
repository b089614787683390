package org.starmill.psf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.ImageRejected;

/** The PSF that stars were drawn with is the PSF that is fitted to them. */
class PsfFitTest {
  private static final int SIZE = 600;
  private static final double SKY_VARIANCE = 1300;
  private final Device device = Devices.java(2);
  private final float[] image = new float[SIZE * SIZE];
  private final float[] base = new float[SIZE * SIZE];
  private final float[] dark = new float[SIZE * SIZE];

  @AfterEach
  void close() {
    device.close();
  }

  /** Draws stars with noise; returns them as a first, rough model would have them: not at all. */
  private PsfStars draw(Psf psf, int columns, double flux, long seed) {
    Random random = new Random(seed);
    Arrays.fill(base, (float) SKY_VARIANCE);
    int n = columns * columns;
    int[] cx = new int[n];
    int[] cy = new int[n];
    float[] ox = new float[n];
    float[] oy = new float[n];
    float[] start = new float[n];
    float[] photon = new float[n];
    Arrays.fill(photon, 1f);
    PsfStampKernel pixels = new PsfStampKernel();
    pixels.configure(psf.model(), psf.fwhm());
    float[] form = new float[PsfKernel.FORM];
    double[] light = new double[SIZE * SIZE];
    int spacing = SIZE / columns;
    for (int i = 0; i < n; i++) {
      cx[i] = spacing / 2 + spacing * (i % columns);
      cy[i] = spacing / 2 + spacing * (i / columns);
      double dx = random.nextDouble() - 0.5;
      double dy = random.nextDouble() - 0.5;
      psf.formAt(cx[i] + dx, cy[i] + dy, form, 0);
      for (int y = Math.max(0, cy[i] - 40); y < Math.min(SIZE, cy[i] + 40); y++) {
        for (int x = Math.max(0, cx[i] - 40); x < Math.min(SIZE, cx[i] + 40); x++) {
          light[y * SIZE + x] +=
              flux * pixels.pixel(form, 0, (float) (x - cx[i] - dx), (float) (y - cy[i] - dy), 3);
        }
      }
      // The first guess knows the pixel of the centre; the flux goes back into the residual as 0.
      start[i] = 1e-3f * (float) flux;
    }
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) (light[i] + Math.sqrt(SKY_VARIANCE + light[i]) * random.nextGaussian());
    }
    return new PsfStars(cx, cy, ox, oy, start, photon);
  }

  private PsfFit.Result fit(PsfStars stars, Psf start, int order, double beta) {
    int stamp = (int) Math.ceil(3.5 * start.fwhm());
    return new PsfFit(device)
        .fit(image, dark, base, SIZE, SIZE, stars, start, order, -1, beta, 3, stamp);
  }

  @Test
  void aMoffatThatVariesOverTheFieldIsFoundAgain() {
    Psf truth =
        new Psf(
            PsfModel.MOFFAT,
            SIZE,
            SIZE,
            new double[][] {
              {Math.log(2.1), 0.03, -0.02, 0.01, 0.02, -0.01},
              {0.03, 0.02, -0.01, 0, 0.01, 0},
              {-0.02, 0, 0.02, 0.01, 0, 0},
              {3.2}
            });
    PsfFit.Result result =
        fit(
            draw(truth, 15, 200_000, 1),
            Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2.6, 2.5),
            2,
            Double.NaN);
    assertThat(result.chi2()).isBetween(0.97, 1.05);
    assertThat(result.stars()).isGreaterThan(170);
    for (double x : new double[] {20, 300, 580}) {
      for (double y : new double[] {20, 300, 580}) {
        assertThat(result.psf().fwhmAt(x, y)).isCloseTo(truth.fwhmAt(x, y), within(0.004));
        assertThat(result.psf().betaAt(x, y)).isCloseTo(3.2, within(0.08));
        assertThat(result.psf().ellipticityAt(x, y))
            .isCloseTo(truth.ellipticityAt(x, y), within(0.006));
      }
    }
  }

  @Test
  void aGaussianInBadSeeingIsFoundAgain() {
    Psf truth = Psf.round(PsfModel.GAUSSIAN, SIZE, SIZE, 7.3, Double.NaN);
    PsfFit.Result result =
        fit(
            draw(truth, 6, 300_000, 2),
            Psf.round(PsfModel.GAUSSIAN, SIZE, SIZE, 5.5, 1),
            1,
            Double.NaN);
    assertThat(result.psf().fwhm()).isCloseTo(7.3, within(0.02));
    assertThat(result.psf().betaAt(0, 0)).isNaN();
  }

  @Test
  void aMoffatBecomesTheGaussianThatTheStarsAre() {
    Psf truth = Psf.round(PsfModel.GAUSSIAN, SIZE, SIZE, 2, Double.NaN);
    PsfFit.Result result =
        fit(
            draw(truth, 12, 300_000, 12),
            Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2.4, 3),
            2,
            Double.NaN);
    for (double place : new double[] {30, 300, 570}) {
      float[] expected = truth.stampAt(place, place, 7);
      float[] fitted = result.psf().stampAt(place, place, 7);
      for (int i = 0; i < expected.length; i++) {
        assertThat(fitted[i]).isCloseTo(expected[i], within(0.0008f));
      }
      assertThat(result.psf().betaAt(place, place)).isGreaterThan(30);
    }
    assertThat(result.modelError()).isLessThan(0.005);
  }

  @Test
  void betaStaysWhereItIsHeld() {
    Psf truth = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    PsfFit.Result result =
        fit(draw(truth, 8, 100_000, 3), Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3), 1, 3);
    assertThat(result.psf().betaAt(10, 10)).isEqualTo(3);
    assertThat(result.psf().fwhm()).isCloseTo(2, within(0.005));
  }

  @Test
  void galaxiesAmongTheStarsDoNotWidenThePsf() {
    Psf truth = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    Psf galaxy = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 3.4, 2);
    PsfStars stars = draw(truth, 10, 100_000, 4);
    float[] withStars = image.clone();
    draw(galaxy, 10, 100_000, 5);
    for (int y = 0; y < SIZE; y++) {
      for (int x = 0; x < SIZE; x++) {
        // Every fourth column of objects is one of galaxies.
        if ((x / 60) % 4 != 1) {
          image[y * SIZE + x] = withStars[y * SIZE + x];
        }
      }
    }
    PsfFit.Result result = fit(stars, Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2.3, 3), 1, 3);
    assertThat(result.psf().fwhm()).isCloseTo(2, within(0.01));
    assertThat(result.stars()).isLessThanOrEqualTo(70);
    for (int i = 0; i < stars.count(); i++) {
      if ((i % 10) % 4 == 1) {
        assertThat(result.used()[i]).as("galaxy %d", i).isFalse();
      }
    }
  }

  @Test
  void aStarWithoutGoodPixelsIsLeftOut() {
    Psf truth = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    PsfStars stars = draw(truth, 6, 100_000, 10);
    for (int y = 30; y < 70; y++) {
      Arrays.fill(base, y * SIZE + 30, y * SIZE + 70, 0f);
    }
    PsfFit.Result result = fit(stars, Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2.2, 3), 1, 3);
    assertThat(result.used()[0]).isFalse();
    assertThat(result.stars()).isBetween(30, 35);
    assertThat(result.psf().fwhm()).isCloseTo(2, within(0.01));
  }

  @Test
  void whereOnlyTheMiddleHasStarsThePsfOfTheCornersIsNotGuessed() {
    Psf truth = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    PsfStars all = draw(truth, 30, 3_000, 11);
    int[] middle =
        java.util.stream.IntStream.range(0, all.count())
            .filter(i -> Math.hypot(all.x(i) - 300, all.y(i) - 300) < 75)
            .toArray();
    PsfStars stars =
        new PsfStars(
            Arrays.stream(middle).map(i -> all.centreX()[i]).toArray(),
            Arrays.stream(middle).map(i -> all.centreY()[i]).toArray(),
            new float[middle.length],
            new float[middle.length],
            Arrays.copyOf(all.flux(), middle.length),
            Arrays.copyOf(all.photon(), middle.length));
    Psf psf = fit(stars, Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3), 2, 3).psf();
    assertThat(psf.fwhm()).isCloseTo(2, within(0.1));
    for (double corner : new double[] {0, SIZE - 1}) {
      assertThat(psf.fwhmAt(corner, corner)).isBetween(0.8, 5.0);
      assertThat(psf.fwhmAt(corner, SIZE - 1 - corner)).isBetween(0.8, 5.0);
    }
  }

  @Test
  void tooFewStarsAreSaidToBeTooFew() {
    Psf psf = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    PsfStars stars = draw(psf, 1, 100_000, 6);
    assertThatThrownBy(() -> fit(stars, psf, 2, 3))
        .isInstanceOf(ImageRejected.class)
        .hasMessageContaining("psf failed")
        .hasMessageContaining("psf.min-stars");
  }

  @Test
  void theSeeingIsGuessedFromStarsAndNotFromCosmicRays() {
    Random random = new Random(8);
    for (double fwhm : new double[] {2, 3.5, 8}) {
      Psf psf = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, fwhm, 3);
      PsfStars stars = draw(psf, 8, 300_000, 7);
      int rays = 200;
      float[] x = new float[64 + rays];
      float[] y = new float[64 + rays];
      int[] order = new int[x.length];
      for (int k = 0; k < rays; k++) {
        x[k] = random.nextInt(SIZE);
        y[k] = random.nextInt(SIZE);
        image[(int) y[k] * SIZE + (int) x[k]] += 100_000;
      }
      for (int k = 0; k < 64; k++) {
        x[rays + k] = stars.centreX()[k];
        y[rays + k] = stars.centreY()[k];
      }
      for (int k = 0; k < order.length; k++) {
        order[k] = k;
      }
      assertThat(Seeing.fwhm(image, base, SIZE, SIZE, x, y, order))
          .isBetween(0.75 * fwhm, 1.35 * fwhm);
    }
  }

  @Test
  void theModeOfMixedWidthsIsThatOfTheStars() {
    double[] values = new double[100];
    Random random = new Random(9);
    for (int i = 0; i < 100; i++) {
      values[i] = i < 50 ? 2 + 0.05 * random.nextGaussian() : 2 + 6 * random.nextDouble();
    }
    assertThat(Seeing.mode(values)).isCloseTo(2, within(0.15));
  }
}

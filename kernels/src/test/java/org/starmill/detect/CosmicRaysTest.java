package org.starmill.detect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.PixelFlag;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfModel;
import org.starmill.sample.PsfKind;

class CosmicRaysTest {
  private static final int SIZE = 201;
  private static final double SIGMA = 30;
  private final Device device = Devices.java(1);

  @AfterEach
  void close() {
    device.close();
  }

  private static float[] guess(int size, double fwhm) {
    return Psf.round(PsfModel.MOFFAT, size, size, fwhm, 3).stampAt(0, 0, 1);
  }

  private int mask(SkyField field, Device on, double fwhm) {
    return new CosmicRays(on, 4.5, 1.35)
        .mask(
            field.image,
            field.base,
            field.dark,
            field.mask,
            field.size,
            field.size,
            guess(field.size, fwhm),
            true);
  }

  @ParameterizedTest
  @CsvSource({
    "MOFFAT, 1.5, 1.0",
    "MOFFAT, 1.9, 0.9",
    "MOFFAT, 1.9, 1.1",
    "GAUSSIAN, 1.9, 1.1",
    "MOFFAT, 2.5, 1.1",
    "MOFFAT, 4, 1.1"
  })
  void noCoreOfAStarIsTakenForACosmicRay(PsfKind kind, double fwhm, double guess) {
    SkyField field = new SkyField(700, 3000, 0, kind, fwhm, 11);
    mask(field, device, guess * fwhm);
    assertThat(field.starsMarked(PixelFlag.COSMIC_RAY)).isZero();
  }

  @Test
  void cosmicRaysAreFoundWhole() {
    SkyField field = new SkyField(700, 1000, 100, PsfKind.MOFFAT, 1.95, 12);
    boolean[] usable = new boolean[field.base.length];
    for (int i = 0; i < usable.length; i++) {
      usable[i] = field.base[i] > 0;
    }
    mask(field, device, 2);
    int hit = 0;
    int found = 0;
    float[] left = new float[field.rays.length];
    float[] base = field.base.clone();
    for (int i = 0; i < left.length; i++) {
      boolean marked = (field.mask[i] & PixelFlag.COSMIC_RAY) != 0;
      if (field.rays[i] > 150 && usable[i]) {
        hit++;
        found += marked ? 1 : 0;
      }
      left[i] = field.rays[i];
      // What is hit is out of use from then on.
      assertThat(marked && base[i] > 0).isFalse();
    }
    assertThat((double) found / hit).isGreaterThan(0.94);
    // Of the charge that stays, little could be taken for a star.
    int stars =
        new MatchedFilter(device)
            .find(
                left,
                base,
                field.dark,
                1,
                field.size,
                field.size,
                Psf.round(PsfModel.MOFFAT, 700, 700, 2, 3).stampAt(0, 0, 3),
                7)
            .count();
    assertThat(stars).isLessThanOrEqualTo(10);
  }

  @Test
  void theVectorTwinMarksWhatTheScalarKernelMarks() {
    SkyField one = new SkyField(200, 200, 40, PsfKind.MOFFAT, 2, 13);
    SkyField other = new SkyField(200, 200, 40, PsfKind.MOFFAT, 2, 13);
    Random random = new Random(1);
    for (int i = 0; i < 400; i++) {
      int k = random.nextInt(one.base.length);
      one.base[k] = 0;
      other.base[k] = 0;
    }
    // On both edges as well.
    for (int k : new int[] {0, 199, 100, 20_000, 20_199, 39_900, 39_999}) {
      one.image[k] += 3000;
      other.image[k] += 3000;
    }
    try (Device scalar = Devices.scalarJava(1)) {
      assertThat(mask(one, device, 2)).isEqualTo(mask(other, scalar, 2)).isGreaterThan(40);
    }
    assertThat(one.mask).isEqualTo(other.mask);
  }

  @Test
  void aHotPixelIsMaskedAndAStarIsNot() {
    float[] image = noise(7);
    float[] base = base();
    short[] mask = new short[image.length];
    Psf psf = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    add(image, psf, 30, 30, 50_000);
    add(image, psf, 61, 62, 2_000);
    image[80 * SIZE + 20] += 500;
    new CosmicRays(device, 4.5, 1.35)
        .mask(image, base, new float[image.length], mask, SIZE, SIZE, psf.stampAt(0, 0, 1), true);
    assertThat(mask[80 * SIZE + 20]).isEqualTo((short) PixelFlag.COSMIC_RAY);
    // It may take a neighbour with it that noise has lifted, but nothing farther off.
    for (int i = 0; i < mask.length; i++) {
      if (Math.max(Math.abs(i % SIZE - 20), Math.abs(i / SIZE - 80)) > 1) {
        assertThat(mask[i]).isZero();
      }
    }
  }

  @Test
  void aHitUnderAFaintStarShowsOnceTheStarIsTakenOut() {
    Psf psf = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    float[] residual = noise(8);
    float[] model = new float[residual.length];
    add(model, psf, 100, 100, 3_000);
    residual[100 * SIZE + 101] += 800;
    short[] mask = new short[residual.length];
    int marked = fitted(residual, model, mask, psf);
    assertThat(marked).isEqualTo(1);
    assertThat(mask[100 * SIZE + 101]).isEqualTo((short) PixelFlag.COSMIC_RAY);
  }

  @Test
  void twoStarsFittedAsOneAreNotTakenForCosmicRays() {
    Psf psf = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, 2, 3);
    float[] residual = noise(9);
    float[] model = new float[residual.length];
    for (int y = 10; y < SIZE - 10; y += 20) {
      for (int x = 10; x < SIZE - 10; x += 20) {
        double flux = 300 * (x + y);
        add(residual, psf, x - 1, y, flux);
        add(residual, psf, x + 1, y, flux);
        add(residual, psf, x, y, -2 * flux);
        add(model, psf, x, y, 2 * flux);
      }
    }
    assertThat(fitted(residual, model, new short[residual.length], psf)).isZero();
  }

  @Test
  void aPsfOfAnEvenSideIsRefused() {
    assertThatThrownBy(
            () ->
                new CosmicRays(device, 4.5, 1.35)
                    .mask(
                        noise(1), base(), noise(1), new short[1], SIZE, SIZE, new float[16], true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("16 pixels: expected a square of odd side");
  }

  private int fitted(float[] residual, float[] model, short[] mask, Psf psf) {
    float[] image = residual.clone();
    for (int i = 0; i < image.length; i++) {
      image[i] += model[i];
    }
    return new CosmicRays(device, 4.5, 1.35)
        .mask(image, base(), model, mask, SIZE, SIZE, psf.stampAt(0, 0, 1), false);
  }

  private static float[] base() {
    float[] base = new float[SIZE * SIZE];
    Arrays.fill(base, (float) (SIGMA * SIGMA));
    return base;
  }

  private static float[] noise(long seed) {
    Random random = new Random(seed);
    float[] image = new float[SIZE * SIZE];
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) (SIGMA * random.nextGaussian());
    }
    return image;
  }

  private static void add(float[] image, Psf psf, int x, int y, double flux) {
    float[] stamp = psf.stampAt(x, y, 9);
    for (int dy = -9; dy <= 9; dy++) {
      for (int dx = -9; dx <= 9; dx++) {
        image[(y + dy) * SIZE + x + dx] += (float) (flux * stamp[(dy + 9) * 19 + dx + 9]);
      }
    }
  }
}

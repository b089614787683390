package org.starmill.detect;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.PixelFlag;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfModel;
import org.starmill.sample.PsfKind;

class DefectiveColumnsTest {
  private static final int SIZE = 800;
  private static final double FWHM = 2;

  /** Stars in the small field, as dense as 20,000 and 60,000 in a whole image. */
  private static final int FAIR = 1350;

  private static final int RICH = 4050;
  private final Device device = Devices.java(1);

  @AfterEach
  void close() {
    device.close();
  }

  private static SkyField field(int stars, double fwhm, long seed) {
    return new SkyField(SIZE, stars, 0, PsfKind.MOFFAT, fwhm, seed);
  }

  private static SkyField field(int stars, long seed) {
    return field(stars, FWHM, seed);
  }

  private int mask(SkyField field) {
    return new DefectiveColumns(device)
        .mask(field.image, field.base, field.mask, field.size, field.size);
  }

  /** Charge that comes to each pixel of a column from one row to another, with its noise. */
  private static void charge(SkyField field, int x, int from, int to, double electrons) {
    Random random = new Random(31L * x + from);
    for (int y = from; y < to; y++) {
      field.image[y * field.size + x] +=
          (float) (electrons + Math.sqrt(Math.max(0, electrons)) * random.nextGaussian());
    }
  }

  private static int bad(SkyField field, int x, int from, int to) {
    int bad = 0;
    for (int y = Math.max(0, from); y < Math.min(field.size, to); y++) {
      bad += (field.mask[y * field.size + x] & PixelFlag.BAD) != 0 ? 1 : 0;
    }
    return bad;
  }

  private int peaksOn(SkyField field, int x) {
    float[] stamp = Psf.round(PsfModel.MOFFAT, field.size, field.size, FWHM, 3).stampAt(0, 0, 3);
    Peaks peaks =
        new MatchedFilter(device)
            .find(field.image, field.base, field.dark, 1, field.size, field.size, stamp, 5);
    int count = 0;
    for (int k = 0; k < peaks.count(); k++) {
      count += Math.abs(peaks.x()[k] - x) < 1.5 ? 1 : 0;
    }
    return count;
  }

  @ParameterizedTest
  @CsvSource({"1350, 900", "1350, 90", "1350, 40", "4050, 90", "4050, 300", "10, 60", "10, 20"})
  void aHotColumnIsMaskedFromItsFirstRowOnAndLeavesNoChainOfStars(int stars, double electrons) {
    SkyField field = field(stars, 41);
    final int before = peaksOn(field, 333);
    charge(field, 333, 290, SIZE, electrons);

    int marked = mask(field);
    double blurred = 3 + 40 * Math.pow(field.sky / electrons / electrons, 1);
    assertThat(bad(field, 333, 290, SIZE)).isGreaterThan((int) (SIZE - 290 - blurred));
    assertThat(bad(field, 333, 0, (int) (290 - blurred))).isZero();
    assertThat(marked).isEqualTo(bad(field, 333, 0, SIZE));
    field.leaveOut(PixelFlag.BAD);
    assertThat(peaksOn(field, 333)).isLessThanOrEqualTo(before + 1);
  }

  @Test
  void aColumnThatLosesChargeIsMaskedToo() {
    SkyField field = field(FAIR, 42);
    charge(field, 200, 100, 500, -60);
    int marked = mask(field);
    assertThat(bad(field, 200, 100, 500)).isGreaterThan(390);
    assertThat(marked).isLessThan(420);
  }

  @Test
  void aShortButStrongRunIsMasked() {
    SkyField field = field(FAIR, 43);
    charge(field, 500, 401, 421, 250);
    int marked = mask(field);
    assertThat(bad(field, 500, 401, 421)).isEqualTo(20);
    assertThat(marked).isLessThanOrEqualTo(24);
  }

  @Test
  void twoHotColumnsSideBySideAreMaskedEachFromItsOwnRow() {
    SkyField field = field(FAIR, 44);
    charge(field, 300, 200, SIZE, 150);
    charge(field, 301, 550, SIZE, 200);
    int marked = mask(field);
    assertThat(bad(field, 300, 197, SIZE)).isBetween(598, 603);
    assertThat(bad(field, 301, 547, SIZE)).isBetween(248, 253);
    assertThat(marked).isEqualTo(bad(field, 300, 0, SIZE) + bad(field, 301, 0, SIZE));
  }

  @Test
  void theColumnsBesideAStrongOneStayGood() {
    SkyField field = field(FAIR, 45);
    charge(field, 400, 0, SIZE, 900);
    charge(field, 403, 300, SIZE, 120);
    mask(field);
    assertThat(bad(field, 400, 0, SIZE)).isEqualTo(SIZE);
    assertThat(bad(field, 403, 300, SIZE)).isGreaterThan(495);
    for (int x : new int[] {396, 397, 398, 399, 401, 402, 404, 405, 406}) {
      assertThat(bad(field, x, 0, SIZE)).as("column %d", x).isZero();
    }
  }

  @Test
  void aHotColumnBesideADeadOneIsMasked() {
    SkyField field = field(FAIR, 46);
    for (int y = 0; y < SIZE; y++) {
      field.base[y * SIZE + 251] = 0;
      field.image[y * SIZE + 251] = -1000;
    }
    charge(field, 250, 333, SIZE, 100);
    int marked = mask(field);
    assertThat(bad(field, 250, 330, SIZE)).isBetween(465, 471).isEqualTo(marked);
  }

  @Test
  void hotColumnsAtTheEdgesOfTheImageAreMasked() {
    SkyField field = field(FAIR, 47);
    charge(field, 0, 300, SIZE, 200);
    charge(field, SIZE - 1, 0, 500, 200);
    mask(field);
    assertThat(bad(field, 0, 297, SIZE)).isBetween(498, 503);
    assertThat(bad(field, SIZE - 1, 0, 503)).isBetween(498, 503);
  }

  @ParameterizedTest
  @CsvSource({
    "100, 2",
    "1350, 2",
    "4050, 2",
    "8000, 2",
    "1350, 1.5",
    "1350, 4",
    "4050, 4",
    "1350, 8"
  })
  void aFieldOfStarsHasNoDefectiveColumn(int stars, double fwhm) {
    SkyField field = field(stars, fwhm, 48);
    assertThat(mask(field)).isZero();
  }

  @Test
  @Tag("full")
  void noColumnIsMaskedInManyRichFields() {
    int marked = 0;
    for (long seed = 200; seed < 240; seed++) {
      marked += mask(field(seed % 4 == 0 ? FAIR : RICH, seed));
    }
    assertThat(marked).isZero();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aBrightStarIsLeftAloneWithItsWingsItsSpikesAndWhatBledFromIt(boolean bled) {
    SkyField field = field(FAIR, 49);
    Random random = new Random(7);
    for (int i = 0; i < field.image.length; i++) {
      double dx = i % SIZE - 420;
      double dy = i / SIZE - 380;
      double r = Math.hypot(dx, dy);
      double onSpike = Math.min(Math.abs(dx), Math.abs(dy));
      double profile = Math.exp(-4 * Math.log(2) * onSpike * onSpike / FWHM / FWHM);
      double light = 4e6 * Math.pow(1 + r * r / 4, -2);
      if (r < 150) {
        light += 3e4 * Math.pow(1 + r / 4, -1.5) * profile;
      }
      field.image[i] += (float) (light + Math.sqrt(light) * random.nextGaussian());
      if (r < 6 || (bled && Math.abs(dx) < 2 && Math.abs(dy) < 90)) {
        field.base[i] = 0;
        field.mask[i] = PixelFlag.SATURATED;
      }
    }
    assertThat(mask(field)).isZero();
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.01, 0.1})
  void aTrailAlongTheColumnsIsLeftToTheSearchForTrails(double slope) {
    SkyField field = field(FAIR, 50);
    Random random = new Random(8);
    for (int i = 0; i < field.image.length; i++) {
      double d = (i % SIZE - 410.3 - slope * (i / SIZE - 400)) / FWHM;
      double light = 300 * Math.exp(-4 * Math.log(2) * d * d);
      field.image[i] += (float) (light + Math.sqrt(light) * random.nextGaussian());
    }
    assertThat(mask(field)).isZero();
  }

  @Test
  void anImageWithoutUsablePixelsHasNoDefectiveColumn() {
    float[] none = new float[64 * 40];
    assertThat(new DefectiveColumns(device).mask(none, none, new short[64 * 40], 64, 40)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"517,389", "640,64", "40,200", "7,100", "3,20", "1,1"})
  void vectorsCompareTheColumnsAsTheScalarSourceDoes(int width, int height) {
    Random random = new Random(width);
    float[] image = new float[width * height];
    float[] base = new float[image.length];
    for (int i = 0; i < image.length; i++) {
      boolean good = random.nextInt(40) > 0 && i % width != width / 2;
      base[i] = good ? 1600 : 0;
      image[i] = (float) (good ? 40 * random.nextGaussian() : 1e7);
      image[i] += random.nextInt(50) == 0 ? 3000 : 0;
    }
    ColumnSegmentKernel[] kernels = new ColumnSegmentKernel[2];
    for (int k = 0; k < 2; k++) {
      ColumnSegmentKernel kernel = new ColumnSegmentKernel();
      kernel.width = width;
      kernel.height = height;
      kernel.segments = Math.max(1, height / 50);
      kernel.limit = 80;
      kernel.image = image;
      kernel.base = base;
      kernel.sum = new float[kernel.segments * width];
      kernel.used = new float[kernel.segments * width];
      Arrays.fill(kernel.sum, -1);
      try (Device one = k == 0 ? Devices.scalarJava(1) : Devices.java(2)) {
        one.run(kernel, kernel.segments);
      }
      kernels[k] = kernel;
    }
    assertThat(kernels[1].sum).isEqualTo(kernels[0].sum);
    assertThat(kernels[1].used).isEqualTo(kernels[0].used);
  }
}

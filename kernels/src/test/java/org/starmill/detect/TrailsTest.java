package org.starmill.detect;

import static org.assertj.core.api.Assertions.assertThat;

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

class TrailsTest {
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

  private SkyField field(int stars, long seed) {
    return new SkyField(SIZE, stars, 0, PsfKind.MOFFAT, FWHM, seed);
  }

  private Peaks peaks(SkyField field) {
    float[] stamp = Psf.round(PsfModel.MOFFAT, field.size, field.size, FWHM, 3).stampAt(0, 0, 3);
    return new MatchedFilter(device)
        .find(field.image, field.base, field.dark, 1, field.size, field.size, stamp, 5);
  }

  private int mask(SkyField field) {
    return new Trails()
        .mask(field.image, field.base, field.mask, field.size, field.size, peaks(field), FWHM);
  }

  /** A straight streak with a Gaussian profile of the PSF's width, and its photons' noise. */
  private record Streak(double x, double y, double degrees, double halfLength, double sigmas) {
    double across(double px, double py) {
      double angle = Math.toRadians(degrees);
      return (py - y) * Math.cos(angle) - (px - x) * Math.sin(angle);
    }

    double along(double px, double py) {
      double angle = Math.toRadians(degrees);
      return (px - x) * Math.cos(angle) + (py - y) * Math.sin(angle);
    }

    boolean covers(double px, double py, double reach) {
      return Math.abs(across(px, py)) < reach && Math.abs(along(px, py)) < halfLength;
    }

    void addTo(SkyField field, long seed) {
      Random random = new Random(seed);
      for (int i = 0; i < field.image.length; i++) {
        int px = i % field.size;
        int py = i / field.size;
        if (covers(px, py, 12)) {
          double d = across(px, py) / FWHM;
          double light = sigmas * Math.sqrt(field.sky) * Math.exp(-4 * Math.log(2) * d * d);
          field.image[i] += (float) (light + Math.sqrt(light) * random.nextGaussian());
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1350, 0, 3", "1350, 90, 3", "1350, 33, 3", "1350, 100, 20", "1350, 135, 200", "1350, 3, 200",
    "4050, 61, 3", "4050, 171, 5", "4050, 95, 20", "4050, 20, 200", "10, 45, 3", "10, 96, 200"
  })
  void aTrailAcrossTheFieldIsMaskedAndLeavesNoChainOfStars(
      int stars, double degrees, double sigmas) {
    SkyField field = field(stars, 21);
    int before = near(peaks(field), new Streak(410, 390, degrees, 2000, sigmas));
    Streak streak = new Streak(410, 390, degrees, 2000, sigmas);
    streak.addTo(field, 5);
    assertThat(near(peaks(field), streak)).isGreaterThan(before + 40);

    assertThat(mask(field)).isEqualTo(1);
    int core = 0;
    int masked = 0;
    for (int i = 0; i < field.mask.length; i++) {
      boolean marked = (field.mask[i] & PixelFlag.TRAIL) != 0;
      if (streak.covers(i % SIZE, i / SIZE, FWHM)) {
        core++;
        masked += marked ? 1 : 0;
      } else if (marked) {
        assertThat(streak.covers(i % SIZE, i / SIZE, 5 * FWHM)).isTrue();
      }
    }
    assertThat((double) masked / core).isGreaterThan(0.98);

    field.leaveOut(PixelFlag.TRAIL);
    assertThat(near(peaks(field), streak)).isLessThanOrEqualTo(before + 2);
  }

  @Test
  void aBrightTrailWhosePeaksLieFarApartIsMasked() {
    // At 2.3 degrees from the columns its axis meets the middle of a pixel all 25 rows.
    SkyField field = field(FAIR, 26);
    int before = near(peaks(field), new Streak(410, 390, 92.3, 2000, 900));
    Streak streak = new Streak(410, 390, 92.3, 2000, 900);
    streak.addTo(field, 5);
    assertThat(near(peaks(field), streak)).isGreaterThan(before + 15);

    assertThat(mask(field)).isEqualTo(1);
    field.leaveOut(PixelFlag.TRAIL);
    assertThat(near(peaks(field), streak)).isLessThanOrEqualTo(before + 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {FAIR, RICH})
  void aTrailThatBeginsAndEndsWithinTheFrameIsMaskedThere(int stars) {
    SkyField field = field(stars, 22);
    Streak streak = new Streak(300, 400, 25, 130, 6);
    streak.addTo(field, 6);
    assertThat(mask(field)).isEqualTo(1);
    double first = 0;
    double last = 0;
    for (int i = 0; i < field.mask.length; i++) {
      if ((field.mask[i] & PixelFlag.TRAIL) != 0) {
        first = Math.min(first, streak.along(i % SIZE, i / SIZE));
        last = Math.max(last, streak.along(i % SIZE, i / SIZE));
      }
    }
    assertThat(first).isBetween(-200.0, -125.0);
    assertThat(last).isBetween(125.0, 200.0);
  }

  @Test
  void twoTrailsThatCrossAreTwo() {
    SkyField field = field(FAIR, 23);
    new Streak(400, 400, 70, 2000, 8).addTo(field, 7);
    new Streak(300, 500, 160, 2000, 4).addTo(field, 8);
    assertThat(mask(field)).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {100, FAIR, RICH, 8000})
  void aFieldOfStarsHasNoTrail(int stars) {
    SkyField field = field(stars, 24);
    assertThat(mask(field)).isZero();
    for (short bits : field.mask) {
      assertThat(bits & PixelFlag.TRAIL).isZero();
    }
  }

  @Test
  @Tag("full")
  void noTrailIsSeenInManyRichFields() {
    for (long seed = 100; seed < 120; seed++) {
      assertThat(mask(field(seed % 2 == 0 ? RICH : FAIR, seed))).as("seed %d", seed).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({"24, 0", "30, 0", "40, 0", "24, 7", "36, 33"})
  void brightStarsInARowAreNoTrail(double spacing, double degrees) {
    SkyField field = field(100, 30);
    double angle = Math.toRadians(degrees);
    for (double t = -600; t <= 600; t += spacing) {
      double x = 400 + t * Math.cos(angle);
      double y = 400 + t * Math.sin(angle);
      for (int i = 0; i < field.image.length; i++) {
        double r = Math.hypot(i % SIZE - x, i / SIZE - y);
        field.image[i] += (float) (6e5 * Math.pow(1 + r * r / 1.6, -2.5));
      }
    }
    assertThat(mask(field)).isZero();
  }

  /** Pixels above the limit are saturated, and so flagged with two along the column, one beside. */
  private static void saturate(SkyField field, double limit) {
    for (int i = 0; i < field.image.length; i++) {
      if (field.base[i] > 0 && field.image[i] >= limit) {
        field.mask[i] |= PixelFlag.SATURATED;
      }
    }
    for (int i = 0; i < field.image.length; i++) {
      if ((field.mask[i] & PixelFlag.SATURATED) != 0) {
        for (int y = Math.max(0, i / SIZE - 2); y <= Math.min(SIZE - 1, i / SIZE + 2); y++) {
          for (int x = Math.max(0, i % SIZE - 1); x <= Math.min(SIZE - 1, i % SIZE + 1); x++) {
            field.mask[y * SIZE + x] |= PixelFlag.BLEED;
            field.base[y * SIZE + x] = 0;
            field.image[y * SIZE + x] = 0;
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1350, 0, 1.05", "1350, 33, 0.97", "1350, 95, 1.2", "1350, 91, 3", "1350, 135, 1.5",
    "1350, 45, 8", "4050, 61, 1.1", "4050, 172, 1.2", "10, 20, 1.02", "10, 100, 2"
  })
  void aTrailThatFillsItsPixelsIsMaskedWithItsFlanks(int stars, double degrees, double fill) {
    SkyField field = field(stars, 27);
    double full = 50_000;
    Streak streak = new Streak(410, 390, degrees, 2000, fill * full / Math.sqrt(field.sky));
    streak.addTo(field, 9);
    saturate(field, full);

    assertThat(mask(field)).isEqualTo(1);
    int core = 0;
    int masked = 0;
    for (int i = 0; i < field.mask.length; i++) {
      if (streak.covers(i % SIZE, i / SIZE, FWHM)) {
        core++;
        masked += (field.mask[i] & PixelFlag.TRAIL) != 0 ? 1 : 0;
      }
    }
    assertThat((double) masked / core).isGreaterThan(0.98);

    field.leaveOut(PixelFlag.TRAIL);
    int before = near(peaks(field(stars, 27)), streak);
    assertThat(near(peaks(field), streak)).isLessThanOrEqualTo(before + 3);
  }

  @Test
  void starsThatBleedAlongTheirColumnsAreNoTrail() {
    SkyField field = field(FAIR, 28);
    int[][] bright = {{120, 300, 250}, {125, 420, 300}, {400, 400, 399}, {600, 200, 90}};
    for (int i = 0; i < field.image.length; i++) {
      for (int[] star : bright) {
        int dx = Math.abs(i % SIZE - star[0]);
        int dy = Math.abs(i / SIZE - star[1]);
        boolean inside = dx * dx + dy * dy < 49 || (dx < 2 && dy < star[2]);
        double r = Math.hypot(dx, dy);
        field.image[i] += (float) (inside ? 60_000 : 3e5 * Math.pow(1 + r * r / 4, -1.5));
      }
    }
    saturate(field, 50_000);
    assertThat(mask(field)).isZero();
  }

  @Test
  void aDiscOfSaturatedPixelsIsNoTrailHoweverLarge() {
    SkyField field = field(FAIR, 29);
    for (int i = 0; i < field.image.length; i++) {
      double r = Math.hypot(i % SIZE - 380, i / SIZE - 410);
      field.image[i] += (float) (60_000 * Math.pow(Math.max(1, r / 80), -4));
    }
    saturate(field, 50_000);
    assertThat(mask(field)).isZero();
  }

  @Test
  void theSpikesOfABrightStarAreNoTrail() {
    SkyField field = field(FAIR, 25);
    for (int i = 0; i < field.image.length; i++) {
      double dx = i % SIZE - 420;
      double dy = i / SIZE - 380;
      double r = Math.hypot(dx, dy);
      double onSpike = Math.min(Math.abs(dx), Math.abs(dy));
      double profile = Math.exp(-4 * Math.log(2) * onSpike * onSpike / FWHM / FWHM);
      if (r < 150) {
        field.image[i] += (float) (3e4 * Math.pow(1 + r / 4, -1.5) * profile);
        field.image[i] += (float) (4e6 * Math.pow(1 + r * r / 4, -2));
      }
      if (r < 6 || (Math.abs(dx) < 3 && Math.abs(dy) < 90)) {
        // The core, and what bled from it along the column.
        field.base[i] = 0;
        field.mask[i] = PixelFlag.SATURATED;
      }
    }
    assertThat(mask(field)).isZero();
  }

  private static int near(Peaks peaks, Streak streak) {
    int count = 0;
    for (int k = 0; k < peaks.count(); k++) {
      count += streak.covers(peaks.x()[k], peaks.y()[k], 4 * FWHM) ? 1 : 0;
    }
    return count;
  }
}

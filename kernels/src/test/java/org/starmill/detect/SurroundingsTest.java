package org.starmill.detect;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfModel;
import org.starmill.sample.PsfKind;

class SurroundingsTest {
  private static final int SIZE = 400;
  private static final double FWHM = 2;
  private static final double THRESHOLD = 4;
  private final Device device = Devices.java(1);
  private final float[] stamp = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, FWHM, 3).stampAt(0, 0, 3);

  @AfterEach
  void close() {
    device.close();
  }

  private Peaks peaks(SkyField field) {
    return new MatchedFilter(device)
        .find(field.image, field.base, field.dark, 1, SIZE, SIZE, stamp, THRESHOLD);
  }

  /** Peaks that stand out of their surroundings. */
  private int[] standingOut(SkyField field, Peaks peaks) {
    Surroundings surroundings = new Surroundings(device);
    surroundings.measure(field.image, field.base, field.dark, SIZE, SIZE, stamp, FWHM);
    int[] all = IntStream.range(0, peaks.count()).toArray();
    float[] above =
        surroundings.significance(
            peaks, all, field.image, field.base, field.dark, SIZE, SIZE, stamp, FWHM);
    return IntStream.of(all).filter(k -> above[k] >= THRESHOLD).toArray();
  }

  private static SkyField field(int stars) {
    return new SkyField(SIZE, stars, 0, PsfKind.MOFFAT, FWHM, 41);
  }

  private static void addDisc(SkyField field, double x, double y, double peak, double scale) {
    Random random = new Random(42);
    for (int i = 0; i < field.image.length; i++) {
      double r = Math.hypot(i % SIZE - x, i / SIZE - y);
      double light = peak * Math.sqrt(field.sky) * Math.exp(-r / scale);
      field.image[i] += (float) (light + Math.sqrt(light) * random.nextGaussian());
      field.base[i] += (float) light;
    }
  }

  @Test
  void aCrowdedFieldLosesFewOfItsStars() {
    SkyField field = field(1000);
    Peaks peaks = peaks(field);
    assertThat(peaks.count()).isGreaterThan(500);
    assertThat(standingOut(field, peaks).length).isGreaterThan((int) (0.93 * peaks.count()));
  }

  @Test
  void aGalaxysDiscIsHardlyTiledWithStars() {
    SkyField field = field(0);
    addDisc(field, 200, 200, 8, 40);
    Peaks peaks = peaks(field);
    assertThat(peaks.count()).isGreaterThan(500);
    assertThat(standingOut(field, peaks).length).isLessThan(peaks.count() / 12);
  }

  @Test
  void fewRipplesOfSomeFwhmAreTakenForStars() {
    SkyField field = field(0);
    for (int i = 0; i < field.image.length; i++) {
      double wave = Math.sin((i % SIZE) / 4.0) * Math.sin((i / SIZE) / 4.0);
      field.image[i] += (float) (1.2 * Math.sqrt(field.sky) * wave);
    }
    Peaks peaks = peaks(field);
    assertThat(peaks.count()).isGreaterThan(300);
    assertThat(standingOut(field, peaks).length).isLessThan(peaks.count() / 6);
  }

  @Test
  void aStarOnADiscStandsOut() {
    SkyField field = field(0);
    addDisc(field, 200, 200, 8, 40);
    double flux = 60 * Math.sqrt(field.sky);
    float[] star = Psf.round(PsfModel.MOFFAT, SIZE, SIZE, FWHM, 3).stampAt(0, 0, 8);
    for (int k = 0; k < star.length; k++) {
      field.image[(212 + k / 17) * SIZE + 222 + k % 17] += (float) (flux * star[k]);
    }
    Peaks peaks = peaks(field);
    assertThat(
            IntStream.of(standingOut(field, peaks))
                .filter(k -> Math.hypot(peaks.x()[k] - 230, peaks.y()[k] - 220) < 1))
        .hasSize(1);
  }
}

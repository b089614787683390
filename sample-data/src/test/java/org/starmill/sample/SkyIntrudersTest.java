package org.starmill.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Cosmic rays and satellites. */
class SkyIntrudersTest {
  private static final int SIDE = 512;

  private static final CameraSettings EMPTY =
      CameraSettings.ztfLike()
          .withSize(SIDE, SIDE)
          .withoutBlemishes()
          .withBias(new CameraSettings.Bias(1500, 0, 0, 0, 0))
          .withResponse(new CameraSettings.Response(0, 0, 0, 0, 0, 0, 0))
          .withFlatSky(200)
          .withStars(0);

  private static double electrons(SimulatedExposure exposure, int x, int y) {
    return (exposure.frame().at(x, y) - 1500) * 6.2;
  }

  @Test
  void everyPixelThatACosmicRayHitIsKnownAndNoOther() {
    SimulatedExposure hit = new SimulatedCamera(EMPTY.withCosmicRays(500)).science(1);
    SimulatedExposure clean = new SimulatedCamera(EMPTY).science(1);
    float[] charge = new float[SIDE * SIDE];
    for (int i = 0; i < hit.cosmicRays().count(); i++) {
      charge[hit.cosmicRays().pixel()[i]] = hit.cosmicRays().charge()[i];
    }
    assertThat(clean.cosmicRays().count()).isZero();
    assertThat(hit.cosmicRays().count()).isGreaterThan(500);
    double worst = 0;
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        double added = electrons(hit, x, y) - electrons(clean, x, y);
        worst = Math.max(worst, Math.abs(added - charge[y * SIDE + x]));
      }
    }
    // One step of the converter.
    assertThat(worst).isLessThan(6.3);
  }

  @Test
  void someCosmicRaysArePointsAndOthersTracks() {
    CosmicRayHits hits = new SimulatedCamera(EMPTY.withCosmicRays(40)).science(1).cosmicRays();
    boolean[] isHit = new boolean[SIDE * SIDE];
    Arrays.stream(hits.pixel()).forEach(pixel -> isHit[pixel] = true);
    int points = 0;
    int longest = 0;
    for (int pixel : hits.pixel()) {
      int size = isHit[pixel] ? erase(isHit, pixel) : 0;
      points += size == 1 ? 1 : 0;
      longest = Math.max(longest, size);
    }
    assertThat(points).isBetween(8, 32);
    assertThat(longest).isGreaterThan(12);
  }

  private static int erase(boolean[] isHit, int pixel) {
    isHit[pixel] = false;
    int size = 1;
    for (int dy = -1; dy <= 1; dy++) {
      for (int dx = -1; dx <= 1; dx++) {
        int x = pixel % SIDE + dx;
        int y = pixel / SIDE + dy;
        if (x >= 0 && y >= 0 && x < SIDE && y < SIDE && isHit[y * SIDE + x]) {
          size += erase(isHit, y * SIDE + x);
        }
      }
    }
    return size;
  }

  @Test
  void aTrailIsAStraightLineWithTheWidthOfAStarAndTheLightThatItSays() {
    SimulatedExposure exposure =
        new SimulatedCamera(EMPTY.withConstantPsf(PsfKind.GAUSSIAN, 3).withTrails(1)).science(2);
    Trail trail = exposure.trails().get(0);
    double sigma = 3 / Math.sqrt(8 * Math.log(2));
    double chi2 = 0;
    int near = 0;
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        double d = trail.distance(x, y);
        if (d < 6) {
          double light = 0;
          for (double v = -0.45; v < 0.5; v += 0.1) {
            for (double u = -0.45; u < 0.5; u += 0.1) {
              double e = trail.distance(x + u, y + v) / sigma;
              light += 0.01 * trail.perPixel() * Math.exp(-0.5 * e * e);
            }
          }
          light /= sigma * Math.sqrt(2 * Math.PI);
          double full = Math.min(light + 1240, 350_000);
          double pull = (electrons(exposure, x, y) - full) / Math.sqrt(full + 100 + 3.2);
          chi2 += pull * pull;
          near++;
        }
      }
    }
    assertThat(near).isGreaterThan(2000);
    assertThat(chi2 / near).isCloseTo(1, within(5 * Math.sqrt(2.0 / near) + 0.02));
  }

  @Test
  void someTrailsEndWithinTheFrameAndTheirBrightnessRunsFromThreeSigmaToSaturation() {
    SimulatedExposure exposure = new SimulatedCamera(EMPTY.withTrails(30)).science(1);
    assertThat(exposure.trails())
        .filteredOn(t -> t.toX() > 0 && t.toX() < SIDE && t.toY() > 0 && t.toY() < SIDE)
        .hasSize(10);
    double[] brightness =
        exposure.trails().stream().mapToDouble(Trail::perPixel).sorted().toArray();
    // A trail's axis holds about 0.36 of it at FWHM 2; the noise of a pixel is 37 electrons.
    assertThat(0.36 * brightness[0]).isBetween(100.0, 400.0);
    assertThat(0.36 * brightness[29]).isBetween(150_000.0, 425_000.0);
  }

  @Test
  void beyondItsEndATrailIsDark() {
    SimulatedCamera camera = new SimulatedCamera(EMPTY.withTrails(3));
    double inside = 0;
    double outside = 0;
    int count = 0;
    for (int index = 0; index < 6; index++) {
      SimulatedExposure exposure = camera.science(index);
      Trail ending = exposure.trails().get(2);
      double dx = (ending.toX() - ending.fromX()) / ending.length();
      double dy = (ending.toY() - ending.fromY()) / ending.length();
      for (int along = 20; along < 50; along++) {
        int x = (int) Math.round(ending.toX() + along * dx);
        int y = (int) Math.round(ending.toY() + along * dy);
        int u = (int) Math.round(ending.toX() - along * dx);
        int v = (int) Math.round(ending.toY() - along * dy);
        if (exposure.trails().stream().limit(2).allMatch(t -> t.distance(x, y) > 30)) {
          outside += electrons(exposure, x, y) - 1240;
          inside += (electrons(exposure, u, v) - 1240) / ending.perPixel();
          count++;
        }
      }
    }
    assertThat(count).isGreaterThan(50);
    assertThat(outside / count).isCloseTo(0, within(5 * 37 / Math.sqrt(count)));
    assertThat(inside / count).isBetween(0.15, 0.45);
  }
}

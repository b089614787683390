package org.starmill.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SimulatedFramesTest {
  private static final CameraSettings SMALL =
      CameraSettings.ztfLike().withSize(512, 512).withStars(300);

  /** Every pixel alike: no pattern, no drift, response 1. */
  private static final CameraSettings IDEAL =
      SMALL
          .withoutBlemishes()
          .withBias(new CameraSettings.Bias(1500, 0, 0, 0, 0))
          .withResponse(new CameraSettings.Response(0, 0, 0, 0, 0, 0, 0));

  private static double[] data(SimulatedFrame frame) {
    double[] pixels = new double[frame.width() * frame.height()];
    for (int y = 0; y < frame.height(); y++) {
      for (int x = 0; x < frame.width(); x++) {
        pixels[y * frame.width() + x] = frame.at(x, y);
      }
    }
    return pixels;
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).sum() / values.length;
  }

  private static double variance(double[] values) {
    double mean = mean(values);
    return Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / values.length;
  }

  private static double rowMean(SimulatedFrame frame, int y, int from, int to) {
    double sum = 0;
    for (int x = from; x < to; x++) {
      sum += frame.at(x, y);
    }
    return sum / (to - from);
  }

  @Test
  void anEmptySkyHasTheMeanAndTheVarianceOfItsPhotonsAndReadNoise() {
    SimulatedCamera camera = new SimulatedCamera(IDEAL.withStars(0).withFlatSky(200));
    double[] pixels = data(camera.science(1).frame());
    double expected = (200 * 6.2 + 10 * 10) / (6.2 * 6.2) + 1 / 12.0;
    assertThat(mean(pixels)).isCloseTo(1700, within(4 * Math.sqrt(expected / pixels.length)));
    assertThat(variance(pixels) / expected)
        .isCloseTo(1, within(4 * Math.sqrt(2.0 / pixels.length)));
  }

  @Test
  void aBiasFrameHasNoNoiseButThatOfTheAmplifier() {
    SimulatedCamera camera = new SimulatedCamera(SMALL.withBias(IDEAL.bias()));
    double[] pixels = data(camera.bias(1));
    double expected = 10 * 10 / (6.2 * 6.2) + 1 / 12.0;
    assertThat(mean(pixels)).isCloseTo(1500, within(0.02));
    assertThat(variance(pixels) / expected).isCloseTo(1, within(0.012));
  }

  @Test
  void equalSeedsGiveEqualFramesAndOthersDiffer() {
    SimulatedCamera one = new SimulatedCamera(SMALL);
    SimulatedCamera twin = new SimulatedCamera(SMALL);
    SimulatedCamera other = new SimulatedCamera(SMALL.withSeed(2));
    twin.science(7);
    twin.flat(1);
    SimulatedExposure exposure = one.science(3);
    assertThat(twin.science(3).frame().adu()).isEqualTo(exposure.frame().adu());
    assertThat(twin.science(3).stars().flux()).isEqualTo(exposure.stars().flux());
    assertThat(twin.bias(2).adu()).isEqualTo(one.bias(2).adu());
    assertThat(twin.flat(2).adu()).isEqualTo(one.flat(2).adu());
    assertThat(other.science(3).frame().adu()).isNotEqualTo(exposure.frame().adu());
    assertThat(one.science(4).frame().adu()).isNotEqualTo(exposure.frame().adu());
    assertThat(one.bias(1).adu()).isNotEqualTo(one.bias(2).adu());
    assertThat(other.flatTruth()).isNotEqualTo(one.flatTruth());
  }

  @Test
  void theOverscanShowsTheDriftOfTheRows() {
    SimulatedCamera camera =
        new SimulatedCamera(SMALL.withBias(new CameraSettings.Bias(1500, 12, 1.5, 2, 8)));
    SimulatedFrame one = camera.bias(1);
    SimulatedFrame two = camera.bias(2);
    double[] drift = new double[512];
    double[] rest = new double[512];
    for (int y = 0; y < 512; y++) {
      drift[y] = rowMean(one, y, 0, 512) - rowMean(two, y, 0, 512);
      rest[y] = drift[y] - (rowMean(one, y, 512, 542) - rowMean(two, y, 512, 542));
    }
    double noise = 2 * (10 * 10 / (6.2 * 6.2) + 1 / 12.0) * (1 / 30.0 + 1 / 512.0);
    assertThat(variance(drift)).isGreaterThan(10 * noise);
    assertThat(variance(rest) / noise).isCloseTo(1, within(0.3));
    assertThat(mean(rest)).isCloseTo(0, within(4 * Math.sqrt(noise / 512)));
  }

  @Test
  void theBiasPatternIsNotSeenByTheOverscan() {
    SimulatedCamera camera = new SimulatedCamera(SMALL);
    int frames = 20;
    double[] stack = new double[512 * 512];
    for (int i = 1; i <= frames; i++) {
      SimulatedFrame frame = camera.bias(i);
      for (int y = 0; y < 512; y++) {
        double overscan = rowMean(frame, y, 512, 542);
        for (int x = 0; x < 512; x++) {
          stack[y * 512 + x] += (frame.at(x, y) - overscan) / frames;
        }
      }
    }
    float[] truth = camera.biasTruth();
    double[] rest = new double[stack.length];
    double[] pattern = new double[stack.length];
    for (int i = 0; i < stack.length; i++) {
      rest[i] = stack[i] - truth[i];
      pattern[i] = truth[i];
    }
    double noise = (10 * 10 / (6.2 * 6.2) + 1 / 12.0) * (1 + 1 / 30.0) / frames;
    assertThat(variance(pattern)).isGreaterThan(10 * noise);
    assertThat(variance(rest) / noise).isCloseTo(1, within(0.03));
  }

  @Test
  void flatFramesShowTheResponseWhoseMedianIsOne() {
    SimulatedCamera camera = new SimulatedCamera(SMALL.withBias(IDEAL.bias()));
    float[] response = camera.flatTruth();
    boolean[] good = camera.goodPixels();
    double[] ofGood = new double[response.length];
    int count = 0;
    for (int i = 0; i < response.length; i++) {
      if (good[i]) {
        ofGood[count++] = response[i];
      }
    }
    ofGood = Arrays.copyOf(ofGood, count);
    Arrays.sort(ofGood);
    assertThat(ofGood[(count - 1) / 2]).isEqualTo(1.0);
    assertThat(count).isLessThan(response.length).isGreaterThan(response.length * 98 / 100);
    assertThat(ofGood[count / 1000] / ofGood[count - count / 1000 - 1]).isBetween(0.72, 0.85);

    double[] flat = data(camera.flat(1));
    double[] ratio = new double[count];
    int used = 0;
    for (int i = 0; i < flat.length; i++) {
      if (good[i]) {
        ratio[used++] = (flat[i] - 1500) / response[i];
      }
    }
    double electrons = mean(ratio) * 6.2;
    assertThat(mean(ratio)).isCloseTo(30_000, within(3000.0));
    // Photon noise of each pixel, mean of 1 / response a little above one.
    assertThat(variance(ratio) * 6.2 * 6.2 / electrons).isBetween(0.97, 1.15);
  }

  @Test
  void aScienceFrameIsTheExpectedElectronsWithNoise() {
    SimulatedCamera camera =
        new SimulatedCamera(
            SMALL
                .withoutBlemishes()
                .withBias(IDEAL.bias())
                .withStars(new CameraSettings.Stars(2000, 0.3, 16, 21, 24.2)));
    SimulatedExposure exposure = camera.science(5);
    StarTruth stars = exposure.stars();
    double[] expected = camera.expected(5, stars.x(), stars.y(), stars.flux());
    double[] pixels = data(exposure.frame());
    double[] pull = new double[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      double variance = expected[i] + 100 + 6.2 * 6.2 / 12;
      pull[i] = ((pixels[i] - 1500) * 6.2 - expected[i]) / Math.sqrt(variance);
    }
    assertThat(mean(pull)).isCloseTo(0, within(4 / Math.sqrt(pull.length)));
    assertThat(variance(pull)).isCloseTo(1, within(4 * Math.sqrt(2.0 / pull.length)));
  }

  @Test
  void theSkyHasALevelAndAGradientOfItsOwnInEachFrame() {
    SimulatedCamera camera = new SimulatedCamera(SMALL);
    double[] levels = new double[20];
    for (int i = 0; i < levels.length; i++) {
      float[] sky = camera.skyTruth(i);
      levels[i] = sky[256 * 512 + 256] / 6.2;
      double corner = sky[0] / 6.2;
      assertThat(levels[i]).isBetween(150.0, 300.0);
      assertThat(Math.abs(corner / levels[i] - 1)).isBetween(1e-4, 0.1);
    }
    assertThat(Math.sqrt(variance(levels))).isGreaterThan(20);
  }

  @Test
  void aSaturatedStarBleedsAlongItsColumnAndLosesNoCharge() {
    SimulatedCamera camera =
        new SimulatedCamera(
            IDEAL.withFlatSky(200).withStars(new CameraSettings.Stars(1, 0.3, 9.5, 9.6, 24.2)));
    int index = 1;
    StarTruth stars = camera.science(index).stars();
    while (!(stars.x()[0] > 150
        && stars.x()[0] < 360
        && stars.y()[0] > 150
        && stars.y()[0] < 360)) {
      stars = camera.science(++index).stars();
    }
    assertThat(stars.saturated()[0]).isTrue();
    SimulatedFrame frame = camera.science(index).frame();
    double level = camera.settings().saturation();
    int column = (int) Math.rint(stars.x()[0]);
    int row = (int) Math.rint(stars.y()[0]);
    int tall = 0;
    int wide = 0;
    double charge = 0;
    for (int y = 0; y < 512; y++) {
      tall += frame.at(column, y) >= level ? 1 : 0;
      for (int x = 0; x < 512; x++) {
        wide += y == row && frame.at(x, y) >= level ? 1 : 0;
        charge += (frame.at(x, y) - 1700) * 6.2;
        assertThat(frame.at(x, y)).isLessThanOrEqualTo(65_535f);
      }
    }
    assertThat(tall).isGreaterThan(2 * wide);
    assertThat(wide).isGreaterThan(2);
    double noise = Math.sqrt(stars.flux()[0] + 512 * 512 * 1340.0);
    assertThat(charge).isCloseTo(stars.flux()[0], within(4 * noise + 1e-4 * stars.flux()[0]));
  }

  @Test
  void cosmicRaysAreSharperThanAnyStar() {
    CameraSettings none = IDEAL.withStars(0).withFlatSky(200);
    double[] clean = data(new SimulatedCamera(none).science(1).frame());
    double[] hit = data(new SimulatedCamera(none.withCosmicRays(30)).science(1).frame());
    int touched = 0;
    int strong = 0;
    for (int i = 0; i < clean.length; i++) {
      double added = hit[i] - clean[i];
      assertThat(added).isGreaterThanOrEqualTo(-1);
      touched += added > 10 ? 1 : 0;
      strong += added > 150 ? 1 : 0;
    }
    assertThat(touched).isBetween(30, 1500);
    assertThat(strong).isGreaterThan(15);
  }

  @Test
  void theFluxBoundIsThatOfAMatchedFilter() {
    SimulatedCamera camera =
        new SimulatedCamera(
            IDEAL.withFlatSky(200).withStars(new CameraSettings.Stars(60, 0.3, 18, 21, 24.2)));
    StarTruth stars = camera.science(1).stars();
    int checked = 0;
    for (int i = 0; i < stars.count(); i++) {
      double x = stars.x()[i];
      double y = stars.y()[i];
      if (x > 40 && x < 470 && y > 40 && y < 470) {
        double flux = stars.flux()[i];
        double[] star =
            camera.drawStars(512, 512, new double[] {x}, new double[] {y}, new double[] {flux});
        double information = 0;
        for (double value : star) {
          double share = value / flux;
          information += share * share / (200 * 6.2 + value + 100);
        }
        assertThat(stars.fluxBound()[i]).isCloseTo(1 / Math.sqrt(information), within(1e-4 * flux));
        checked++;
      }
    }
    assertThat(checked).isGreaterThan(20);
  }

  @Test
  void neighboursCountFromOnePercentOfAStarsFlux() {
    StarField field =
        new StarField(
            new double[] {10, 13, 10, 400},
            new double[] {10, 14, 30, 400},
            new double[] {10_000, 50, 200, 10},
            new double[4]);
    assertThat(field.neighbourDistances(100)).containsExactly(20, 5, 16.278820596099706, 100);
  }

  @Test
  void aFullFieldHasFaintStarsBelowSignalToNoiseFiveAndTensOfSaturatedOnes() {
    SimulatedCamera camera = new SimulatedCamera(CameraSettings.ztfLike());
    StarTruth stars = camera.science(1).stars();
    int inside = 0;
    int faint = 0;
    int saturated = 0;
    for (int i = 0; i < stars.count(); i++) {
      if (stars.inside()[i]) {
        inside++;
        faint += stars.flux()[i] < 5 * stars.fluxBound()[i] ? 1 : 0;
        saturated += stars.saturated()[i] ? 1 : 0;
      }
    }
    assertThat(inside).isEqualTo(20_000);
    assertThat(faint / 20_000.0).isBetween(0.2, 0.4);
    assertThat(saturated).isBetween(10, 99);
  }

  @Test
  void aSettingOutsideItsRangeIsNamedWithWhatWasExpected() {
    assertThatThrownBy(() -> new CameraSettings.Chip(512, 512, 30, 0, 10, 1e5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("gain 0.0 e-/ADU: expected more than 0");
    assertThatThrownBy(() -> SMALL.withPsf(PsfKind.MOFFAT, 0.4))
        .hasMessage("FWHM 0.4 pixels: expected 1 to 40");
  }
}

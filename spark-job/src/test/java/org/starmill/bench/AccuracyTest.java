package org.starmill.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.starmill.image.PixelFlag;
import org.starmill.measure.StarFlag;

class AccuracyTest {
  private final Random random = new Random(3);
  private final List<TrueStar> trueStars = new ArrayList<>();
  private final List<Detection> detections = new ArrayList<>();

  /** A star of S/N 20 whose flux is off by so many sigma, of which flux_err is a share. */
  private void add(Crowding crowding, double mag, double sigmas, double errorShare, int flags) {
    double flux = Math.pow(10, 0.4 * (25 - mag));
    double bound = flux / 20;
    Detection measured =
        new Detection(
            50 + 0.1 * random.nextGaussian(),
            50 + 0.1 * random.nextGaussian(),
            flux + sigmas * bound,
            errorShare * bound,
            mag,
            flags,
            crowding,
            true,
            false);
    detections.add(measured);
    trueStars.add(
        new TrueStar(
            50, 50, mag, flux, bound, 2 * bound, 0.1, crowding, false, false, false, measured));
  }

  private Accuracy figures() {
    return Accuracy.of(new AccuracyField(1000, trueStars, detections, Map.of("measure", 1.0)));
  }

  @Test
  void honestErrorsGiveAWidthOfOneAndTheScatterOfTheBound() {
    for (int i = 0; i < 20_000; i++) {
      add(Crowding.ISOLATED, 15 + 3 * random.nextDouble(), random.nextGaussian(), 1, 0);
    }
    Accuracy.Row all = figures().isolated().get(0);
    assertThat(all.scatter()).isCloseTo(1, within(0.03));
    assertThat(all.jointScatter()).isCloseTo(0.5, within(0.015));
    assertThat(all.pullWidth()).isCloseTo(1, within(0.03));
    assertThat(all.pull()).isCloseTo(0, within(0.03));
    assertThat(all.position()).isCloseTo(1, within(0.03));
    assertThat(all.completeness()).isEqualTo(1);
    assertThat(figures().isolated()).hasSize(4);
  }

  @Test
  void errorsThatAreTooSmallShowInTheWidthOfThePullsAlone() {
    for (int i = 0; i < 5000; i++) {
      add(Crowding.CROWDED, 17.5, 0.4 + random.nextGaussian(), 0.5, 0);
    }
    Accuracy.Row all = figures().crowded().get(0);
    assertThat(all.scatter()).isCloseTo(1, within(0.06));
    assertThat(all.pullWidth()).isCloseTo(2, within(0.12));
    assertThat(all.bias()).isCloseTo(100 * 0.4 / 20, within(0.3));
    assertThat(figures().isolated()).isEmpty();
  }

  @Test
  void aStarFarOffCountsAsWrongUnlessAFlagWarns() {
    for (int i = 0; i < 996; i++) {
      add(Crowding.ISOLATED, 17.5, 0, 1, 0);
    }
    add(Crowding.ISOLATED, 17.5, 6, 1, 0);
    add(Crowding.ISOLATED, 17.5, -6, 1, StarFlag.FITTED_WITH_NEIGHBOURS | PixelFlag.EDGE);
    add(Crowding.ISOLATED, 17.5, 6, 1, StarFlag.NOT_CONVERGED);
    add(Crowding.ISOLATED, 17.5, 6, 1, PixelFlag.BAD | PixelFlag.EDGE);
    Accuracy accuracy = figures();
    assertThat(accuracy.isolated().get(0).farOff()).isCloseTo(0.004, within(1e-9));
    assertThat(accuracy.isolated().get(0).farOffUnwarned()).isEqualTo(2);
    assertThat(accuracy.wrong()).isCloseTo(0.002, within(1e-9));
    assertThat(accuracy.warned()).isCloseTo(0.002, within(1e-9));
  }

  @Test
  void whatNoStarExplainsLowersThePurity() {
    for (int i = 0; i < 300; i++) {
      add(Crowding.ISOLATED, 17.5, 0, 1, 0);
    }
    for (int i = 0; i < 100; i++) {
      detections.add(new Detection(9, 9, 800, 100, 17.5, 0, Crowding.ISOLATED, false, i < 40));
    }
    Accuracy accuracy = figures();
    assertThat(accuracy.purity()).isCloseTo(0.75, within(1e-9));
    assertThat(accuracy.falseStars()).isEqualTo(100);
    assertThat(accuracy.falseNearBadPixels()).isEqualTo(40);
    assertThat(accuracy.isolated().get(0).purity()).isCloseTo(0.75, within(1e-9));
  }

  @Test
  void aBinOfFewStarsJoinsTheNextAndTheLastTheOneBefore() {
    for (int i = 0; i < 150; i++) {
      add(Crowding.CROWDED, 15.5, 0, 1, 0);
    }
    for (int i = 0; i < 150; i++) {
      add(Crowding.CROWDED, 16.5, 0, 1, 0);
    }
    for (int i = 0; i < 900; i++) {
      add(Crowding.CROWDED, 17.5 + i / 600, 0, 1, 0);
    }
    for (int i = 0; i < 30; i++) {
      add(Crowding.CROWDED, 19.5, 0, 1, 0);
    }
    assertThat(figures().crowded().subList(1, figures().crowded().size()))
        .extracting(Accuracy.Row::from, Accuracy.Row::to, Accuracy.Row::number)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(15.0, 17.0, 300),
            org.assertj.core.groups.Tuple.tuple(17.0, 18.0, 600),
            org.assertj.core.groups.Tuple.tuple(18.0, 20.0, 330));
  }

  @Test
  void aCommonFactorIsTakenUpByTheZeroPoint() {
    double flux = 1e5;
    for (int i = 0; i < 100; i++) {
      Detection measured =
          new Detection(5, 5, 0.97 * flux, 100, 17, 0, Crowding.ISOLATED, true, false);
      detections.add(measured);
      trueStars.add(
          new TrueStar(
              5, 5, 17, flux, 100, 100, 0.1, Crowding.ISOLATED, false, false, false, measured));
    }
    AccuracyField field = new AccuracyField(100, trueStars, detections, Map.of());
    assertThat(field.commonFactor()).isCloseTo(0.97, within(1e-12));
    Accuracy.Row all = Accuracy.of(field.divided(0.97)).isolated().get(0);
    assertThat(all.bias()).isCloseTo(0, within(1e-9));
    assertThat(all.pull()).isCloseTo(0, within(1e-9));
  }
}

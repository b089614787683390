package org.starmill.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiceTest {
  private static final int DRAWS = 400_000;

  @ParameterizedTest
  @ValueSource(doubles = {0.3, 5, 39.5, 40, 250, 1400, 186_000})
  void photonCountsHaveTheMeanTheVarianceAndTheSkewnessOfPoisson(double mean) {
    Dice dice = new Dice(11, 3);
    double sum = 0;
    double squares = 0;
    double cubes = 0;
    for (int i = 0; i < DRAWS; i++) {
      double count = dice.poisson(mean);
      assertThat(count == Math.rint(count) && count >= 0).isTrue();
      double d = (count - mean) / Math.sqrt(mean);
      sum += d;
      squares += d * d;
      cubes += d * d * d;
    }
    double error = 1 / Math.sqrt(DRAWS);
    assertThat(sum / DRAWS).isCloseTo(0, within(4 * error));
    assertThat(squares / DRAWS)
        .isCloseTo(1, within(4 * error * Math.sqrt(2 + 1 / mean) + 1 / (12 * mean)));
    assertThat(cubes / DRAWS)
        .isCloseTo(1 / Math.sqrt(mean), within(4 * error * Math.sqrt(15 + 130 / mean)));
  }

  @Test
  void readNoiseIsNormalOutIntoItsTails() {
    Dice dice = new Dice(5);
    double fourth = 0;
    int beyondOne = 0;
    int beyondFour = 0;
    int draws = 10 * DRAWS;
    for (int i = 0; i < draws; i++) {
      double z = dice.normal();
      fourth += z * z * z * z;
      beyondOne += Math.abs(z) > 1 ? 1 : 0;
      beyondFour += Math.abs(z) > 4 ? 1 : 0;
    }
    assertThat(fourth / draws).isCloseTo(3, within(4 * Math.sqrt(96.0 / draws)));
    assertThat(beyondOne / (double) draws)
        .isCloseTo(0.317310508, within(4 * Math.sqrt(0.2166 / draws)));
    double expected = 6.334248e-5 * draws;
    assertThat((double) beyondFour).isCloseTo(expected, within(4 * Math.sqrt(expected)));
  }

  @Test
  void streamsOfDifferentPurposeShareNothing() {
    Dice one = new Dice(1, 2, 3);
    Dice other = new Dice(1, 3, 2);
    double product = 0;
    for (int i = 0; i < DRAWS; i++) {
      product += one.normal() * other.normal();
    }
    assertThat(product / DRAWS).isCloseTo(0, within(4 / Math.sqrt(DRAWS)));
  }
}

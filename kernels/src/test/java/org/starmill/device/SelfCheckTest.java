package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SelfCheckTest {
  /** Gives one on a first kernel, and on every kernel after it another value at the last item. */
  private static final class WrongAtTheEnd extends ItemKernel {
    private final float[] output;
    private final float last;

    WrongAtTheEnd(int items, float last) {
      this.output = new float[items];
      this.last = last;
    }

    @Override
    public void item(int item) {
      output[item] = item == output.length - 1 ? last : 1f;
    }
  }

  @Test
  void plainJavaAgreesWithItselfInAnyNumberOfThreads() {
    try (Device device = Devices.java(3)) {
      List<SelfCheck.Outcome> outcomes = SelfCheck.builtIn().run(device);
      assertThat(outcomes).hasSize(9);
      assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.largestDifference()).isZero());
      assertThat(outcomes).allMatch(SelfCheck.Outcome::passed);
      assertThat(outcomes).extracting(SelfCheck.Outcome::items).contains(1, 1009, 65_537);
    }
  }

  @Test
  void aDeviceThatGivesAnotherValueIsFoundOutWithTheValue() {
    float[] next = {1f};
    SelfCheck.Check wrong =
        new SelfCheck.Check(
            "wrong at the end",
            1e-3,
            items -> {
              WrongAtTheEnd kernel = new WrongAtTheEnd(items, next[0]++);
              return new SelfCheck.Trial(kernel, items, () -> kernel.output);
            });
    try (Device device = Devices.java(1)) {
      List<SelfCheck.Outcome> outcomes = new SelfCheck(List.of()).with(wrong).run(device);
      assertThat(outcomes)
          .hasSize(3)
          .allSatisfy(
              outcome -> {
                assertThat(outcome.passed()).isFalse();
                assertThat(outcome.failure())
                    .startsWith("value " + (outcome.items() - 1) + " is ")
                    .contains("Java gives");
              });
    }
  }

  @Test
  void aValueThatIsNoNumberOnOneDeviceOnlyIsADifference() {
    float[] next = {1f, Float.NaN, Float.NaN};
    int[] call = {0};
    SelfCheck.Check wrong =
        new SelfCheck.Check(
            "not a number",
            1e30,
            items -> {
              WrongAtTheEnd kernel = new WrongAtTheEnd(items, next[call[0]++ % 3]);
              return new SelfCheck.Trial(kernel, items, () -> kernel.output);
            });
    try (Device device = Devices.java(1)) {
      assertThat(new SelfCheck(List.of(wrong)).run(device)).noneMatch(SelfCheck.Outcome::passed);
    }
  }
}

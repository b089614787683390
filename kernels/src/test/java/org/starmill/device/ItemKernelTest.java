package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ItemKernelTest {
  /** Powers, logarithms and exponentials of many numbers. */
  static final class FunctionsOfManyNumbers extends ItemKernel {
    final float[] base;
    final float[] exponent;
    final float[] power;
    final float[] logarithm;
    final float[] exponential;

    FunctionsOfManyNumbers(float[] base, float[] exponent) {
      this.base = base;
      this.exponent = exponent;
      this.power = new float[base.length];
      this.logarithm = new float[base.length];
      this.exponential = new float[base.length];
    }

    @Override
    public void item(int item) {
      power[item] = powerOf(base[item], exponent[item]);
      logarithm[item] = naturalLog(base[item]);
      exponential[item] = exponential(exponent[item]);
    }
  }

  static FunctionsOfManyNumbers ofMoffatProfiles(int count) {
    Random random = new Random(3);
    float[] base = new float[count];
    float[] exponent = new float[count];
    for (int i = 0; i < count; i++) {
      base[i] =
          i % 4 == 0
              ? 1f + (float) i / count
              : (float) Math.exp(random.nextDouble() * Math.log(1e6));
      exponent[i] = -1.5f - 8.5f * random.nextFloat();
    }
    return new FunctionsOfManyNumbers(base, exponent);
  }

  @Test
  void theWingsOfAMoffatAreAsExactAsItsCore() {
    FunctionsOfManyNumbers kernel = ofMoffatProfiles(1_000_000);

    Devices.java(1).run(kernel, kernel.base.length);

    double worst = 0;
    for (int i = 0; i < kernel.base.length; i++) {
      double expected = Math.pow(kernel.base[i], kernel.exponent[i]);
      if (expected > 1e-37) {
        worst = Math.max(worst, Math.abs(kernel.power[i] / expected - 1));
      }
    }
    assertThat(worst).isLessThan(1e-6);
  }

  @Test
  void aPowerIsExactToAMillionthUpToTheLargestFloat() {
    double worst = 0;
    Random random = new Random(4);
    for (int i = 0; i < 1_000_000; i++) {
      float base = (float) Math.exp(40 * random.nextDouble() - 20);
      float exponent = 20 * random.nextFloat() - 10;
      double expected = Math.pow(base, exponent);
      if (expected > 1e-37 && expected < 1e37) {
        worst = Math.max(worst, Math.abs(ItemKernel.powerOf(base, exponent) / expected - 1));
      }
    }
    assertThat(worst).isLessThan(1e-6);
  }

  @Test
  void theSumOfManyPowersIsNotBiased() {
    FunctionsOfManyNumbers kernel = ofMoffatProfiles(400_000);
    Devices.java(1).run(kernel, kernel.base.length);
    double sum = 0;
    int counted = 0;
    for (int i = 0; i < kernel.base.length; i++) {
      double expected = Math.pow(kernel.base[i], kernel.exponent[i]);
      if (expected > 1e-4) {
        sum += kernel.power[i] / expected - 1;
        counted++;
      }
    }
    assertThat(sum / counted).isBetween(-2e-8, 2e-8);
  }

  @Test
  void aLogarithmIsExactNearOneAndFarFromIt() {
    double worst = 0;
    Random random = new Random(5);
    for (int i = 0; i < 1_000_000; i++) {
      float x =
          i % 2 == 0
              ? 0.5f + 1.5f * i / 1_000_000f
              : (float) Math.exp(170 * random.nextDouble() - 85);
      double expected = Math.log(x);
      double error = Math.abs(ItemKernel.naturalLog(x) - expected);
      worst = Math.max(worst, expected == 0 ? error : error / Math.abs(expected));
    }
    assertThat(worst).isLessThan(3e-7);
  }

  @Test
  void anExponentialIsExactOverTheRangeOfFloats() {
    double worst = 0;
    for (int i = 0; i <= 1_000_000; i++) {
      float x = -87f + 175f * i / 1_000_000f;
      double expected = Math.exp(x);
      worst = Math.max(worst, Math.abs(ItemKernel.exponential(x) / expected - 1));
    }
    assertThat(worst).isLessThan(3e-7);
  }

  @Test
  void whatIsTooSmallForAFloatBecomesZeroAndWhatIsTooLargeInfinite() {
    assertThat(ItemKernel.powerOf(1e6f, -10f)).isZero();
    assertThat(ItemKernel.powerOf(1e6f, 10f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(ItemKernel.powerOf(0f, -3f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(ItemKernel.powerOf(0f, 3f)).isZero();
    assertThat(ItemKernel.exponential(-100f)).isZero();
    assertThat(ItemKernel.exponential(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(ItemKernel.exponential(100f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(ItemKernel.exponential(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
  }

  @Test
  void onePowerAnythingIsOneAndTheLogarithmOfOneIsZero() {
    assertThat(ItemKernel.powerOf(1f, -3.3f)).isEqualTo(1f);
    assertThat(ItemKernel.powerOf(7f, 0f)).isEqualTo(1f);
    assertThat(ItemKernel.naturalLog(1f)).isZero();
    assertThat(ItemKernel.exponential(0f)).isEqualTo(1f);
  }

  @Test
  void aNumberThatIsNotOneStaysNoNumber() {
    assertThat(ItemKernel.powerOf(Float.NaN, -3f)).isNaN();
    assertThat(ItemKernel.powerOf(Float.POSITIVE_INFINITY, -3f)).isNaN();
    assertThat(ItemKernel.powerOf(2f, Float.NaN)).isNaN();
    assertThat(ItemKernel.naturalLog(Float.NaN)).isNaN();
    assertThat(ItemKernel.exponential(Float.NaN)).isNaN();
  }
}

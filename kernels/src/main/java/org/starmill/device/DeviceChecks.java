package org.starmill.device;

import java.util.List;
import java.util.SplittableRandom;

/** Checks of what needs no step of the way: arithmetic, functions, masks. */
public final class DeviceChecks implements KernelChecks {
  @Override
  public List<KernelCheck<?>> checks() {
    return List.of(
        KernelCheck.of(Arithmetic.class, 1e-6, DeviceChecks::arithmetic)
            .giving("sum", kernel -> kernel.output),
        KernelCheck.of(Functions.class, 2e-6, DeviceChecks::functions)
            .giving("value", kernel -> kernel.output),
        KernelCheck.of(Masks.class, 0, DeviceChecks::masks).giving("bits", k -> k.output));
  }

  private static Arithmetic arithmetic(int items, SplittableRandom random, boolean vectors) {
    Arithmetic kernel = new Arithmetic();
    kernel.input = numbers(items, random);
    kernel.output = new float[items];
    return kernel;
  }

  private static Functions functions(int items, SplittableRandom random, boolean vectors) {
    Functions kernel = new Functions();
    kernel.input = numbers(items, random);
    kernel.output = new float[items];
    return kernel;
  }

  private static Masks masks(int items, SplittableRandom random, boolean vectors) {
    Masks kernel = new Masks();
    kernel.mask = new short[items];
    kernel.output = new float[items];
    kernel.last = items - 1;
    for (int i = 0; i < items; i++) {
      kernel.mask[i] = (short) random.nextInt();
    }
    return kernel;
  }

  /** From 1 to 1,000. */
  private static float[] numbers(int count, SplittableRandom random) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextDouble(1, 1000);
    }
    return numbers;
  }

  /** The four operations and the square root, in a loop whose length differs from item to item. */
  static final class Arithmetic extends ItemKernel {
    private float[] input;
    private float[] output;

    @Override
    public void item(int item) {
      float sum = 0f;
      int terms = 1 + item % 7;
      for (int i = 0; i < terms; i++) {
        sum += sqrt(input[item] + i) / (1f + i) - 0.25f * i;
      }
      output[item] = sum;
    }
  }

  /** A Moffat profile, a logarithm and an exponential. */
  static final class Functions extends ItemKernel {
    private float[] input;
    private float[] output;

    @Override
    public void item(int item) {
      float x = input[item];
      output[item] = powerOf(x, -0.75f) + naturalLog(x) + exponential(-0.01f * x);
    }
  }

  /** Bits of short values, counted over each item's neighbours. */
  static final class Masks extends ItemKernel {
    private short[] mask;
    private float[] output;
    private int last;

    @Override
    public void item(int item) {
      int from = item > 0 ? item - 1 : 0;
      int to = item < last ? item + 1 : last;
      int bits = 0;
      for (int i = from; i <= to; i++) {
        int value = mask[i] & 0xffff;
        if ((value & 2) != 0 && (value & 4) == 0) {
          bits = bits | (value >> 3);
        }
      }
      output[item] = bits;
    }
  }
}

package org.starmill.device;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Runs test kernels on a device and compares what they give with plain Java.
 *
 * <p>Every check runs for one item, for a prime number of items and for one more than a power of
 * two, so that an item dropped at the end of a range shows. The reference is the same kernel in one
 * thread of this JVM.
 *
 * @param checks what is run, in this order
 */
public record SelfCheck(List<Check> checks) {
  private static final int[] SIZES = {1, 1009, 65_537};

  public SelfCheck {
    checks = List.copyOf(checks);
  }

  /**
   * A kernel with known input.
   *
   * @param name of the step it stands for
   * @param tolerance largest difference allowed, relative to the reference where that is above 1,
   *     absolute below
   * @param trial makes the kernel with the input for a number of items; called anew for each run
   */
  public record Check(String name, double tolerance, IntFunction<Trial> trial) {}

  /**
   * A kernel ready to run.
   *
   * @param kernel with its fields set
   * @param items how many
   * @param result what it gave, called after the run
   */
  public record Trial(ItemKernel kernel, int items, Supplier<float[]> result) {}

  /**
   * How a check ended.
   *
   * @param check its name
   * @param items how many
   * @param largestDifference as {@link Check#tolerance} counts it; NaN where it did not run
   * @param tolerance what was allowed
   * @param seconds of a run, translation not included
   * @param javaSeconds of the reference
   * @param failure why it did not run or is wrong; null where all is well
   */
  public record Outcome(
      String check,
      int items,
      double largestDifference,
      double tolerance,
      double seconds,
      double javaSeconds,
      String failure) {

    /** Whether the device gave what Java gives. */
    public boolean passed() {
      return failure == null;
    }
  }

  /** The checks that need no step of the way: arithmetic, functions, masks. */
  public static SelfCheck builtIn() {
    return new SelfCheck(
        List.of(
            new Check("arithmetic", 1e-6, SelfCheck::arithmetic),
            new Check("functions", 2e-6, SelfCheck::functions),
            new Check("masks", 0, SelfCheck::masks)));
  }

  /** These checks and more. */
  public SelfCheck with(Check... more) {
    return new SelfCheck(Stream.concat(checks.stream(), Stream.of(more)).toList());
  }

  /** Runs all checks; a device that fails gives outcomes that say so. */
  public List<Outcome> run(Device device) {
    List<Outcome> outcomes = new ArrayList<>();
    for (Check check : checks) {
      for (int size : SIZES) {
        outcomes.add(run(check, size, device));
      }
    }
    return outcomes;
  }

  private static Outcome run(Check check, int size, Device device) {
    Trial reference = check.trial().apply(size);
    double javaSeconds;
    try (Device java = Devices.java(1)) {
      javaSeconds = secondsOf(java, reference);
    }
    Trial trial = check.trial().apply(size);
    double seconds;
    try {
      Trial warmUp = check.trial().apply(size);
      device.run(warmUp.kernel(), warmUp.items());
      device.prepare(trial.kernel());
      seconds = secondsOf(device, trial);
    } catch (DeviceException e) {
      return new Outcome(
          check.name(),
          size,
          Double.NaN,
          check.tolerance(),
          Double.NaN,
          javaSeconds,
          e.getMessage());
    }
    return compare(
        check, size, reference.result().get(), trial.result().get(), seconds, javaSeconds);
  }

  private static double secondsOf(Device device, Trial trial) {
    long start = System.nanoTime();
    device.run(trial.kernel(), trial.items());
    return (System.nanoTime() - start) * 1e-9;
  }

  private static Outcome compare(
      Check check, int size, float[] expected, float[] found, double seconds, double javaSeconds) {
    double largest = 0;
    int at = -1;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs((double) found[i] - expected[i]);
      difference /= Math.max(1, Math.abs(expected[i]));
      if (Float.compare(found[i], expected[i]) == 0) {
        difference = 0;
      } else if (Double.isNaN(difference)) {
        difference = Double.POSITIVE_INFINITY;
      }
      if (difference > largest) {
        largest = difference;
        at = i;
      }
    }
    String failure =
        largest <= check.tolerance()
            ? null
            : "value %d is %s, Java gives %s".formatted(at, found[at], expected[at]);
    return new Outcome(
        check.name(), size, largest, check.tolerance(), seconds, javaSeconds, failure);
  }

  private static Trial arithmetic(int size) {
    Arithmetic kernel = new Arithmetic(ramp(size));
    return new Trial(kernel, size, () -> kernel.output);
  }

  private static Trial functions(int size) {
    Functions kernel = new Functions(ramp(size));
    return new Trial(kernel, size, () -> kernel.output);
  }

  private static Trial masks(int size) {
    Masks kernel = new Masks(size);
    return new Trial(kernel, size, () -> kernel.output);
  }

  /** Numbers from 1 to 1,000, no two alike. */
  private static float[] ramp(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = 1f + 999f * i / size;
    }
    return values;
  }

  /** The four operations and the square root, in a loop whose length differs from item to item. */
  private static final class Arithmetic extends ItemKernel {
    private final float[] input;
    private final float[] output;

    Arithmetic(float[] input) {
      this.input = input;
      this.output = new float[input.length];
    }

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
  private static final class Functions extends ItemKernel {
    private final float[] input;
    private final float[] output;

    Functions(float[] input) {
      this.input = input;
      this.output = new float[input.length];
    }

    @Override
    public void item(int item) {
      float x = input[item];
      output[item] = powerOf(x, -0.75f) + naturalLog(x) + exponential(-0.01f * x);
    }
  }

  /** Bits of short values, counted over each item's neighbours. */
  private static final class Masks extends ItemKernel {
    private final short[] mask;
    private final float[] output;
    private final int last;

    Masks(int size) {
      mask = new short[size];
      output = new float[size];
      last = size - 1;
      for (int i = 0; i < size; i++) {
        mask[i] = (short) (i * 40_503);
      }
    }

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

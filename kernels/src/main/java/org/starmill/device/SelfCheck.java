package org.starmill.device;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.SplittableRandom;

/**
 * Runs kernels on a device and compares what they give with the scalar source in plain Java.
 *
 * <p>Every kernel is run three times as one object: with random input; with other input written
 * into the same arrays, as an image follows another; and with the first input in arrays of its own.
 * So an array that does not reach the device, or does not come back, shows, and a number of items
 * that is prime or one more than a multiple of 64 shows an item dropped at the end of a range.
 *
 * @param checks what is run, in this order
 */
public record SelfCheck(List<KernelCheck<?>> checks) {
  /** One item, a prime number of them, and one more than a multiple of 64. */
  public static final List<Integer> SIZES = List.of(1, 61, 1025);

  public SelfCheck {
    checks = List.copyOf(checks);
  }

  /**
   * How a check ended.
   *
   * @param kernel its name
   * @param items how many
   * @param largestDifference as {@link KernelCheck#tolerance} counts it; NaN where it did not run
   * @param tolerance what was allowed on this device
   * @param seconds of the fastest run; translation is not in it, but the JVM may still compile
   * @param scalarSeconds the same for the scalar source in one thread of plain Java
   * @param failure why it did not run or is wrong; null where all is well
   */
  public record Outcome(
      String kernel,
      int items,
      double largestDifference,
      double tolerance,
      double seconds,
      double scalarSeconds,
      String failure) {

    /** Whether the device gave what Java gives. */
    public boolean passed() {
      return failure == null;
    }
  }

  /** The checks of all kernels there are, those that stand for no step first. */
  public static SelfCheck ofAllKernels() {
    List<KernelCheck<?>> all = new ArrayList<>();
    for (KernelChecks some : ServiceLoader.load(KernelChecks.class)) {
      all.addAll(some.checks());
    }
    return new SelfCheck(all);
  }

  /** Runs all checks with numbers of items from {@link #SIZES}. */
  public List<Outcome> run(Device device) {
    List<Outcome> outcomes = new ArrayList<>();
    for (KernelCheck<?> check : checks) {
      for (int size : SIZES) {
        outcomes.add(run(check, size, size, device));
      }
    }
    return outcomes;
  }

  /**
   * Runs one check.
   *
   * @param items of the kernel, from 1 on
   * @param seed of the random input
   * @return how it ended, whatever fails
   */
  public static <K extends ItemKernel> Outcome run(
      KernelCheck<K> check, int items, long seed, Device device) {
    double tolerance = device.usesVectors() ? check.twinTolerance() : check.tolerance();
    String failure = null;
    double largest = 0;
    double seconds = Double.POSITIVE_INFINITY;
    double scalarSeconds = Double.POSITIVE_INFINITY;
    try (Device scalar = Devices.scalarJava(1)) {
      K kernel = input(check, items, seed, device);
      String[] runs = {"with its first input", "with other input", "with arrays exchanged"};
      for (int run = 0; run < runs.length; run++) {
        if (run == 1) {
          write(input(check, items, seed + 1, device), kernel);
        } else if (run == 2) {
          exchange(input(check, items, seed, device), kernel);
        }
        K reference = check.input().of(items, new SplittableRandom(seed + run % 2), false);
        scalarSeconds = Math.min(scalarSeconds, secondsOf(scalar, reference, items));
        seconds = Math.min(seconds, secondsOf(device, kernel, items));
        for (KernelCheck.Output<K> output : check.outputs()) {
          if (output.ofTwin() || !device.usesVectors()) {
            float[] expected = output.values().apply(reference);
            float[] found = output.values().apply(kernel);
            Difference difference = Difference.largest(expected, found);
            largest = Math.max(largest, difference.size());
            if (failure == null && !(difference.size() <= tolerance)) {
              failure =
                  "%s, its %s differs: %s".formatted(runs[run], output.name(), difference.text());
            }
          }
        }
      }
    } catch (RuntimeException | LinkageError | AssertionError thrown) {
      String why =
          thrown instanceof DeviceException && thrown.getMessage() != null
              ? thrown.getMessage()
              : thrown.toString();
      return new Outcome(check.name(), items, Double.NaN, tolerance, Double.NaN, Double.NaN, why);
    }
    return new Outcome(check.name(), items, largest, tolerance, seconds, scalarSeconds, failure);
  }

  private static <K extends ItemKernel> K input(
      KernelCheck<K> check, int items, long seed, Device device) {
    return check.input().of(items, new SplittableRandom(seed), device.usesVectors());
  }

  private static double secondsOf(Device device, ItemKernel kernel, int items) {
    device.prepare(kernel);
    long start = System.nanoTime();
    device.run(kernel, items);
    return (System.nanoTime() - start) * 1e-9;
  }

  /** Gives a kernel the other's numbers and the contents of its arrays, in the arrays it has. */
  private static void write(ItemKernel from, ItemKernel to) {
    copy(from, to, true);
  }

  /** Gives a kernel the other's numbers and arrays. */
  private static void exchange(ItemKernel from, ItemKernel to) {
    copy(from, to, false);
  }

  private static void copy(ItemKernel from, ItemKernel to, boolean contents) {
    for (Field field : KernelFields.of(from.getClass())) {
      Object there = KernelFields.valueOf(field, from);
      Object here = KernelFields.valueOf(field, to);
      if (contents && KernelFields.sameSize(there, here)) {
        System.arraycopy(there, 0, here, 0, KernelFields.lengthOf(here));
      } else {
        KernelFields.set(field, to, there);
      }
    }
  }

  /** The largest difference between two results. */
  private record Difference(double size, String text) {
    static Difference largest(float[] expected, float[] found) {
      if (expected.length != found.length) {
        return new Difference(
            Double.POSITIVE_INFINITY,
            "%d values, Java gives %d".formatted(found.length, expected.length));
      }
      double largest = 0;
      int at = 0;
      for (int i = 0; i < expected.length; i++) {
        double difference = Math.abs((double) found[i] - expected[i]);
        difference /= Math.max(1, Math.abs(expected[i]));
        if (found[i] == expected[i] || Float.compare(found[i], expected[i]) == 0) {
          difference = 0;
        } else if (Double.isNaN(difference)) {
          difference = Double.POSITIVE_INFINITY;
        }
        if (difference > largest) {
          largest = difference;
          at = i;
        }
      }
      String text =
          expected.length == 0
              ? "nothing to compare"
              : "value %d is %s, Java gives %s".formatted(at, found[at], expected[at]);
      return new Difference(largest, text);
    }
  }
}

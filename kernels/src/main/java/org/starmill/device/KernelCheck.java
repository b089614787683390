package org.starmill.device;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * What a kernel is checked by: random input of any size, what it gives, and how far that may differ
 * from one device to another.
 *
 * <p>Input is drawn so that no decision hangs on the last bit (a value at its clip, two peaks of
 * equal height): devices round sums in their own way, and a check is to find what is wrong. Results
 * are numbers whose differences mean something: divided by the noise, say, where sums cancel.
 *
 * @param kernel whose class is checked
 * @param tolerance largest difference allowed between devices that run the same source, relative to
 *     the reference where that is above 1, absolute below
 * @param twinTolerance the same for the kernel's twin for the Vector API
 * @param input makes the kernel with its input
 * @param outputs what is compared
 */
public record KernelCheck<K extends ItemKernel>(
    Class<K> kernel,
    double tolerance,
    double twinTolerance,
    Input<K> input,
    List<Output<K>> outputs) {

  public KernelCheck {
    outputs = List.copyOf(outputs);
  }

  /** Makes kernels with random input. */
  @FunctionalInterface
  public interface Input<K extends ItemKernel> {
    /**
     * Makes a kernel, its fields set.
     *
     * @param items that it will be run for, from 1 on
     * @param random the input depends on this and the number of items alone
     * @param vectors whether what the twin needs is made too
     */
    K of(int items, SplittableRandom random, boolean vectors);
  }

  /**
   * Something that a kernel gives.
   *
   * @param name of it
   * @param values as numbers, after the run
   * @param ofTwin whether the twin gives it too
   */
  public record Output<K extends ItemKernel>(
      String name, Function<K, float[]> values, boolean ofTwin) {}

  /** A check without outputs yet, of one tolerance for source and twin. */
  public static <K extends ItemKernel> KernelCheck<K> of(
      Class<K> kernel, double tolerance, Input<K> input) {
    return new KernelCheck<>(kernel, tolerance, tolerance, input, List.of());
  }

  /** The same with a tolerance of its own for the twin. */
  public KernelCheck<K> withTwinTolerance(double ofTwin) {
    return new KernelCheck<>(kernel, tolerance, ofTwin, input, outputs);
  }

  /** The same with one more output. */
  public KernelCheck<K> giving(String name, Function<K, float[]> values) {
    return with(new Output<>(name, values, true));
  }

  /** The same with one more output, which the twin does not give. */
  public KernelCheck<K> givingFromSource(String name, Function<K, float[]> values) {
    return with(new Output<>(name, values, false));
  }

  private KernelCheck<K> with(Output<K> output) {
    List<Output<K>> more = new ArrayList<>(outputs);
    more.add(output);
    return new KernelCheck<>(kernel, tolerance, twinTolerance, input, more);
  }

  /** The kernel's name. */
  public String name() {
    return kernel.getSimpleName();
  }

  /** Whole numbers as floats, 16 bits each in two, so that none is rounded. */
  public static float[] halves(int[] values) {
    float[] halves = new float[2 * values.length];
    for (int i = 0; i < values.length; i++) {
      halves[2 * i] = values[i] >> 16;
      halves[2 * i + 1] = values[i] & 0xffff;
    }
    return halves;
  }

  /** Masks as floats. */
  public static float[] floats(short[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = values[i];
    }
    return floats;
  }

  /** Values less a level, in units of a scale. */
  public static float[] scaled(float[] values, float level, float scale) {
    float[] scaled = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      scaled[i] = (values[i] - level) / scale;
    }
    return scaled;
  }

  /** Natural logarithms, whose differences are relative ones; 0 stays 0. */
  public static float[] logarithms(float[] values) {
    float[] logarithms = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      logarithms[i] = values[i] == 0f ? 0f : (float) Math.log(values[i]);
    }
    return logarithms;
  }
}

package org.starmill.device;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A step of the way, one source for every device: the same work for each of a number of items (a
 * row, a star, a box of the sky mesh).
 *
 * <p>A subclass holds its arrays and numbers in fields and does the work of one item in {@link
 * #item}. On an OpenCL device Aparapi translates {@link #run}; the Java device calls {@link #item}
 * in a loop of its own. What the translation does not take (break, switch, array initialisers,
 * boolean fields, fields named half, kernel, local, global or constant) must not be in a subclass.
 *
 * <p>Fields that {@link #item} uses are int, float, long or double numbers, or arrays of one
 * dimension. On an OpenCL device every array it uses has at least one element, none is null, and
 * none is larger than 2 GiB; arrays may be exchanged for others, of other lengths, between runs. An
 * item must not write what another item reads or writes. Make few kernels and use them again: each
 * holds memory of the device until the JVM ends.
 *
 * <p>To an OpenCL device every array that {@link #item} uses is sent before a run, and those that
 * it may write come back after it; {@link Output}, {@link Scratch} and {@link #unchanged} spare
 * what need not cross the bus.
 *
 * <p>The powers, logarithms and exponentials below are written with float arithmetic and the bits
 * of a float alone: the same lines run on every device, several times faster than {@code Math.pow}
 * on the JVM and than OpenCL's {@code pow} on a CPU. They split off the binary exponent and take
 * the rest from a minimax polynomial (Remez exchange; Muller, Elementary Functions, chapter 3). The
 * errors stated were found by comparison with {@link Math} over the ranges stated.
 */
public abstract class ItemKernel extends FloatBitsKernel {
  /** Number of items; the global range is padded, so that an item beyond it does nothing. */
  protected int items;

  private List<Object> unchanged;

  /** An array of which every element is written before it is read: it is not sent to the device. */
  @Target(ElementType.FIELD)
  @Retention(RetentionPolicy.RUNTIME)
  public @interface Output {}

  /** An array that nobody reads after a run: it neither goes to the device nor comes back. */
  @Target(ElementType.FIELD)
  @Retention(RetentionPolicy.RUNTIME)
  public @interface Scratch {}

  /**
   * Does the work of one item.
   *
   * @param item from 0 to the number of items less one
   */
  public abstract void item(int item);

  /**
   * Does the work of a range of items with the JVM's Vector API, on a Java device that has it.
   *
   * <p>A step that dominates overrides this with a twin of {@link #item}, held equal to it by a
   * test, to a stated tolerance; others go through {@link #item} here as well. A twin lives in a
   * class of its own, so that nothing of the module jdk.incubator.vector is loaded where it is
   * absent.
   *
   * @param from the first item
   * @param to one more than the last
   */
  protected void vectorItems(int from, int to) {
    for (int item = from; item < to; item++) {
      item(item);
    }
  }

  @Override
  public void run() {
    int item = getGlobalId();
    if (item < items) {
      item(item);
    }
  }

  void setItems(int count) {
    items = count;
  }

  /**
   * Says that the contents of arrays are what they were when this kernel last ran: at the next run
   * a device that has them already is not sent them again. Counts for that run alone.
   *
   * @param arrays of this kernel's fields; one that the device does not have is sent all the same
   */
  public final void unchanged(Object... arrays) {
    if (unchanged == null) {
      unchanged = new ArrayList<>();
    }
    unchanged.addAll(Arrays.asList(arrays));
  }

  boolean isUnchanged(Object array) {
    return unchanged != null && unchanged.stream().anyMatch(one -> one == array);
  }

  void forgetUnchanged() {
    unchanged = null;
  }

  /**
   * A positive number to a power, to a relative error of 1e-6 for exponents from -10 to 10 and
   * results from 1e-37 to 1e37; the error grows with the size of the exponent.
   *
   * <p>Results below the smallest normal float (1.2e-38) are not accurate and become 0; those above
   * the largest become infinite.
   *
   * @param base above 0; NaN or infinity gives NaN; a negative base has no meaning
   * @param exponent of moderate size, below 1e4 either way
   */
  protected static float powerOf(float base, float exponent) {
    int power = binaryExponent(base);
    // The product of two floats would lose what a large logarithm needs: the exponent's leading 11
    // bits times the integer part are exact.
    float leading = asFloat(asInt(exponent) & 0xffffe000);
    float exact = leading * power;
    float rest = (exponent - leading) * power + exponent * fractionOfLog2(base, power);
    float sum = exact + rest;
    if (sum < -127f) {
      exact = -127f;
      rest = 0f;
    }
    if (sum > 128f) {
      exact = 128f;
      rest = 0f;
    }
    float shifted = (exact + rest) + ROUNDING;
    float result = scaledPowerOfTwo(exact - (shifted - ROUNDING) + rest, shifted);
    return base < Float.POSITIVE_INFINITY ? result : Float.NaN;
  }

  /**
   * The natural logarithm, to a relative error of 3e-7, near 1 as well.
   *
   * @param x above 0 and normal (1.2e-38 and up); NaN or infinity gives NaN; a negative number has
   *     no meaning
   */
  protected static float naturalLog(float x) {
    int power = binaryExponent(x);
    float result =
        power * LN2_LEADING + (power * LN2_REST + fractionOfLog2(x, power) * 0.693147181f);
    return x < Float.POSITIVE_INFINITY ? result : Float.NaN;
  }

  /**
   * The exponential function, to a relative error of 3e-7 for arguments from -87 to 88; 0 below,
   * infinite above.
   */
  protected static float exponential(float x) {
    float bounded = x;
    if (x < -89f) {
      bounded = -89f;
    }
    if (x > 89f) {
      bounded = 89f;
    }
    float shifted = bounded * 1.442695041f + ROUNDING;
    float power = shifted - ROUNDING;
    float rest = (bounded - power * LN2_LEADING) - power * LN2_REST;
    float result = scaledPowerOfTwo(rest * 1.442695041f, shifted);
    if (x < -87.3f) {
      result = 0f;
    }
    if (x > 88.7f) {
      result = Float.POSITIVE_INFINITY;
    }
    return x == x ? result : x;
  }

  // Added to a float of moderate size, it leaves the nearest integer in the lowest bits.
  private static final float ROUNDING = 12582912f;

  // ln 2 in two parts, the first short enough that its product with a binary exponent is exact.
  private static final float LN2_LEADING = 0.693359375f;
  private static final float LN2_REST = -2.12194440e-4f;

  /** The k for which x / 2^k lies between sqrt(1/2) and sqrt(2). */
  private static int binaryExponent(float x) {
    return (asInt(x) - 0x3f3504f3) >> 23;
  }

  /** log2(x / 2^power), a polynomial of degree 9 with relative error 3e-8. */
  private static float fractionOfLog2(float x, int power) {
    float f = asFloat(asInt(x) - (power << 23)) - 1f;
    float f2 = f * f;
    float f4 = f2 * f2;
    float low =
        (1.44269500365f - 0.721347346802f * f) + (0.48091064295f - 0.360703683003f * f) * f2;
    float high =
        (0.287916247713f - 0.238944816978f * f) + (0.215715607016f - 0.207269775238f * f) * f2;
    return f * (low + f4 * (high + 0.125837048941f * f4));
  }

  /**
   * 2^(fraction + n), a polynomial of degree 6 with relative error 2e-9.
   *
   * @param fraction from -1/2 to 1/2
   * @param shifted n + ROUNDING
   */
  private static float scaledPowerOfTwo(float fraction, float shifted) {
    float square = fraction * fraction;
    float power =
        1f
            + fraction
                * ((0.693147202855f + 0.240226479137f * fraction)
                    + square
                        * ((0.055503324711f + 0.0096184373532f * fraction)
                            + square * (0.00133988744266f + 0.00015353362997f * fraction)));
    return asFloat(asInt(power) + (asInt(shifted) << 23));
  }
}

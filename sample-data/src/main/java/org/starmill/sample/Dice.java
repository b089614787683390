package org.starmill.sample;

/**
 * Seeded random numbers that are the same on every Java version.
 *
 * <p>SplitMix64 (Steele, Lea &amp; Flood 2014, OOPSLA) for the bits, the ziggurat of Marsaglia
 * &amp; Tsang (2000, J. Stat. Softw. 5, 8) in the form of Doornik (2005) for the normal, and for
 * Poisson numbers the product of uniform numbers (Knuth 1969, TAOCP 2, 3.4.1) below a mean of 40,
 * the skewness-corrected normal (Cornish &amp; Fisher 1937) from there on. Not safe for threads.
 */
final class Dice {
  private static final int LAYERS = 128;
  private static final double TAIL = 3.442619855899;
  private static final double LAYER_AREA = 9.91256303526217e-3;
  private static final double[] EDGE = new double[LAYERS + 1];
  private static final double[] RATIO = new double[LAYERS];

  static {
    double density = StrictMath.exp(-0.5 * TAIL * TAIL);
    EDGE[0] = LAYER_AREA / density;
    EDGE[1] = TAIL;
    for (int i = 2; i < LAYERS; i++) {
      EDGE[i] = StrictMath.sqrt(-2 * StrictMath.log(LAYER_AREA / EDGE[i - 1] + density));
      density = StrictMath.exp(-0.5 * EDGE[i] * EDGE[i]);
    }
    for (int i = 0; i < LAYERS; i++) {
      RATIO[i] = EDGE[i + 1] / EDGE[i];
    }
  }

  private long state;

  /** The stream of random numbers that belongs to a seed and to the numbers of its purpose. */
  Dice(long seed, long... purpose) {
    state = mixed(seed + 0x9E3779B97F4A7C15L);
    for (long number : purpose) {
      state = mixed(state ^ mixed(number + 0xD1B54A32D192ED03L));
    }
  }

  private static long mixed(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private long bits() {
    state += 0x9E3779B97F4A7C15L;
    return mixed(state);
  }

  /** Uniform, above 0 and below 1. */
  double uniform() {
    return ((bits() >>> 12) + 0.5) * 0x1p-52;
  }

  /** Uniform between two limits. */
  double uniform(double from, double to) {
    return from + (to - from) * uniform();
  }

  /** A whole number from 0 to below the bound. */
  int below(int bound) {
    return (int) (uniform() * bound);
  }

  /** Exponential with the mean. */
  double exponential(double mean) {
    return -mean * StrictMath.log(uniform());
  }

  /** Normal with mean 0 and standard deviation 1. */
  double normal() {
    while (true) {
      long bits = bits();
      int layer = (int) bits & (LAYERS - 1);
      double u = (bits >> 11) * 0x1p-52;
      if (Math.abs(u) < RATIO[layer]) {
        return u * EDGE[layer];
      }
      if (layer == 0) {
        return u < 0 ? -tail() : tail();
      }
      double x = u * EDGE[layer];
      double low = StrictMath.exp(-0.5 * (EDGE[layer] * EDGE[layer] - x * x));
      double high = StrictMath.exp(-0.5 * (EDGE[layer + 1] * EDGE[layer + 1] - x * x));
      if (high + uniform() * (low - high) < 1) {
        return x;
      }
    }
  }

  private double tail() {
    double x;
    double y;
    do {
      x = -StrictMath.log(uniform()) / TAIL;
      y = -StrictMath.log(uniform());
    } while (y + y < x * x);
    return TAIL + x;
  }

  /** Poisson with the mean; 0 for a mean of 0 or less. */
  double poisson(double mean) {
    if (mean >= 40) {
      double z = normal();
      return Math.max(0, Math.rint(mean + Math.sqrt(mean) * z + (z * z - 1) / 6));
    }
    if (mean <= 0) {
      return 0;
    }
    double limit = StrictMath.exp(-mean);
    double product = uniform();
    int count = 0;
    while (product > limit) {
      product *= uniform();
      count++;
    }
    return count;
  }
}

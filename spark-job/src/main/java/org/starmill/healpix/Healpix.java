package org.starmill.healpix;

/**
 * Numbers positions on the sky by HEALPix pixels in the nested scheme.
 *
 * <p>Gorski et al. 2005, ApJ 622, 759: the sphere is cut into twelve faces of equal area, each into
 * {@code nside x nside} pixels with {@code nside = 2^order}. In the equatorial belt, {@code |sin
 * dec| <= 2/3}, the borders of pixels are the lines of constant {@code ra / 90 -+ 3/4 sin dec}; in
 * the caps around the poles, with {@code r = sqrt(3 (1 - |sin dec|))} and {@code f} the share of
 * the quarter turn that right ascension has passed, they are those of constant {@code r f} and
 * {@code r (1 - f)}. A nested number is the face, followed by the interleaved bits of column and
 * row on it: dividing it by four gives the pixel of the next lower order.
 *
 * <p>Right ascension is not turned into radians, and {@code r} is taken from the distance to the
 * pole, so that quarter turns and poles lose no digit. Sines are those of {@link StrictMath}: a
 * position has the same number on every machine.
 */
public final class Healpix {
  /** The highest order: pixels of 0.4 milliarcseconds, numbers below 12 * 4^29. */
  public static final int MAX_ORDER = 29;

  private static final int QUARTERS = 4;
  private static final int FIRST_SOUTHERN_FACE = 8;

  /** Spreads the bits of a number from 0 to 255: bit i comes to 2 i. */
  private static final short[] SPREAD = new short[256];

  static {
    for (int value = 0; value < SPREAD.length; value++) {
      for (int bit = 0; bit < 8; bit++) {
        SPREAD[value] |= (short) ((value >> bit & 1) << 2 * bit);
      }
    }
  }

  private Healpix() {}

  /** Whether two numbers are a position: both finite, the declination from -90 to 90. */
  public static boolean isPosition(double ra, double dec) {
    return Double.isFinite(ra) && Math.abs(dec) <= 90;
  }

  /**
   * The pixel that a position lies in.
   *
   * @param order from 0 to {@link #MAX_ORDER}
   * @param ra degrees, of any number of turns
   * @param dec degrees, from -90 to 90
   * @throws IllegalArgumentException where one of them is not
   */
  public static long pixel(int order, double ra, double dec) {
    if (order < 0 || order > MAX_ORDER) {
      throw new IllegalArgumentException("order %d: expected 0 to %d".formatted(order, MAX_ORDER));
    }
    if (!isPosition(ra, dec)) {
      throw new IllegalArgumentException(
          "ra %s, dec %s: expected finite degrees, dec from -90 to 90".formatted(ra, dec));
    }
    double quarters = quarters(ra);
    double sine = StrictMath.sin(StrictMath.toRadians(dec));
    return Math.abs(sine) <= 2.0 / 3
        ? onTheBelt(order, quarters, sine)
        : onACap(order, quarters, sine, dec);
  }

  /** Right ascension in quarter turns, from 0 and below 4. */
  private static double quarters(double ra) {
    double turn = ra % 360;
    double quarters = (turn < 0 ? turn + 360 : turn) / 90;
    // A hair's breadth below 0 is rounded to a whole turn.
    return quarters < QUARTERS ? quarters : 0;
  }

  private static long onTheBelt(int order, double quarters, double sine) {
    long nside = 1L << order;
    double along = 0.5 + quarters;
    double across = 0.75 * sine;
    long rising = (long) (nside * (along - across));
    long falling = (long) (nside * (along + across));
    int risingFace = (int) (rising >> order);
    int fallingFace = (int) (falling >> order);
    int face;
    if (risingFace == fallingFace) {
      face = QUARTERS + risingFace % QUARTERS;
    } else if (risingFace < fallingFace) {
      face = risingFace % QUARTERS;
    } else {
      face = FIRST_SOUTHERN_FACE + fallingFace % QUARTERS;
    }
    return nested(order, face, falling & nside - 1, nside - 1 - (rising & nside - 1));
  }

  private static long onACap(int order, double quarters, double sine, double dec) {
    long nside = 1L << order;
    int quarter = (int) quarters;
    double share = quarters - quarter;
    double fromPole = StrictMath.sin(StrictMath.toRadians(90 - Math.abs(dec)));
    double radius = fromPole * Math.sqrt(3 / (1 + Math.abs(sine)));
    long east = Math.min(nside - 1, (long) (nside * (share * radius)));
    long west = Math.min(nside - 1, (long) (nside * ((1 - share) * radius)));
    return sine > 0
        ? nested(order, quarter, nside - 1 - west, nside - 1 - east)
        : nested(order, FIRST_SOUTHERN_FACE + quarter, east, west);
  }

  private static long nested(int order, int face, long column, long row) {
    return (long) face << 2 * order | spread(column) | spread(row) << 1;
  }

  private static long spread(long value) {
    return SPREAD[(int) (value & 255)] & 0xffffL
        | (SPREAD[(int) (value >> 8 & 255)] & 0xffffL) << 16
        | (SPREAD[(int) (value >> 16 & 255)] & 0xffffL) << 32
        | (SPREAD[(int) (value >> 24 & 255)] & 0xffffL) << 48;
  }
}

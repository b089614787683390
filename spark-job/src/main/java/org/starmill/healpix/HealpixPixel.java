package org.starmill.healpix;

import java.io.Serializable;

/**
 * A pixel of the sky.
 *
 * @param order from 0 to {@link Healpix#MAX_ORDER}
 * @param number in the nested scheme, from 0 and below 12 * 4^order
 */
public record HealpixPixel(int order, long number) implements Serializable {

  public HealpixPixel {
    if (order < 0 || order > Healpix.MAX_ORDER || number < 0 || number >> 2 * order >= 12) {
      throw new IllegalArgumentException(
          "pixel %d of order %d: expected an order from 0 to %d and a number below 12 * 4^order"
              .formatted(number, order, Healpix.MAX_ORDER));
    }
  }

  /** The first pixel of the highest order that lies in this one. */
  public long first() {
    return number << shift();
  }

  /** The first pixel of the highest order behind those that lie in this one. */
  public long end() {
    return number + 1 << shift();
  }

  private int shift() {
    return 2 * (Healpix.MAX_ORDER - order);
  }
}

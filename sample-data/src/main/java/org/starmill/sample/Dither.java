package org.starmill.sample;

/**
 * How a second exposure of a field differs from the first; its noise and its sky are its own in any
 * case.
 *
 * @param shiftX pixels by which every star stands further right; up to a few
 * @param shiftY pixels by which every star stands further up
 * @param seeing factor by which the FWHM differs
 */
public record Dither(double shiftX, double shiftY, double seeing) {

  public Dither {
    if (!(Math.abs(shiftX) <= 8 && Math.abs(shiftY) <= 8)) {
      throw new IllegalArgumentException(
          "shift of %s, %s pixels: expected at most 8, stars would be missing at the edge"
              .formatted(shiftX, shiftY));
    }
    if (!(seeing >= 0.5 && seeing <= 2)) {
      throw new IllegalArgumentException("seeing %s: expected 0.5 to 2".formatted(seeing));
    }
  }
}

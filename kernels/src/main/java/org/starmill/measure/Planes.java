package org.starmill.measure;

/**
 * The planes of one image in work, row-major, kept from image to image while the size stays: 14
 * bytes a pixel, and all that an image needs beside the raw frame and its masters.
 *
 * <p>What the stars leave of the image, and the weight of a pixel with their noise, are not among
 * them: every kernel works them out from these where it needs them, on the pixels that it looks at.
 */
final class Planes {
  final int width;
  final int height;

  /**
   * Electrons: the calibrated image, less its sky from when that is known; then 0 where a pixel
   * must not be used.
   */
  final float[] image;

  /** Variance of the empty sky, electrons squared; 0 where a pixel must not be used. */
  final float[] base;

  /** Model of all stars, electrons. */
  final float[] model;

  /** Bits of {@link org.starmill.image.PixelFlag}: this object's own, or that of an image. */
  short[] mask;

  private short[] own;

  Planes(int width, int height) {
    this.width = width;
    this.height = height;
    int size = width * height;
    image = new float[size];
    base = new float[size];
    model = new float[size];
  }

  /** Gives the image in work a mask that is kept for the next one. */
  short[] ownMask() {
    if (own == null) {
      own = new short[width * height];
    }
    mask = own;
    return mask;
  }
}

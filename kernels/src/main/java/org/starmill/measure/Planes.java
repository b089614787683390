package org.starmill.measure;

/**
 * The planes of one image in work, row-major, kept from image to image while the size stays; two of
 * them go with the result and are made anew.
 */
final class Planes {
  final int width;
  final int height;

  /** Image less sky, electrons; 0 where a pixel must not be used. */
  final float[] image;

  /** Variance of the empty sky, electrons squared; 0 where a pixel must not be used. */
  final float[] base;

  /** Model of all stars, electrons. */
  final float[] model;

  /** Image less sky less model; 0 where a pixel must not be used. */
  float[] residual;

  /**
   * 1 / variance, the stars' own noise included; 0 where a pixel must not be used. Holds the sky's
   * level until the first star is drawn after the sky was measured, and in the result.
   */
  float[] weight;

  Planes(int width, int height) {
    this.width = width;
    this.height = height;
    int size = width * height;
    image = new float[size];
    base = new float[size];
    model = new float[size];
    residual = new float[size];
    weight = new float[size];
  }

  /** Makes what went with the last result. */
  void complete() {
    if (residual == null) {
      residual = new float[width * height];
      weight = new float[width * height];
    }
  }

  /** Lets go of what goes with the result. */
  void release() {
    residual = null;
    weight = null;
  }
}

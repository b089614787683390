package org.starmill.bench;

/**
 * Bytes that each step of the way must move at least.
 *
 * <p>Every plane of the image that a step reads or writes, once for each time the step goes over
 * the image; what stays in a cache in between counts for nothing. Planes of floats have 4 bytes a
 * pixel, masks 2. Kernels that go over a plane more often than that move more, and reach a smaller
 * share of the peak.
 *
 * @param pixels of the image
 * @param passes that the settings ask for
 */
record StepTraffic(double pixels, int passes) {
  private static final int PLANE = 4;
  private static final int MASK = 2;

  /** The sky out; then it, image, response and mask in, variance of the sky and image out. */
  private static final int LESS_SKY = 6 * PLANE + MASK;

  /** The model out. */
  private static final int DRAW = PLANE;

  /** Image, variance of the sky, model in. */
  private static final int SEARCH = 3 * PLANE;

  /** All raw frames in; level, error and number of frames out. */
  double masterBias(int frames) {
    return pixels * (frames * PLANE + 2 * PLANE + MASK);
  }

  /** Raw frame, bias, its error, flat and defects in; science, variance and mask out. */
  double calibrate() {
    return pixels * (4 * PLANE + MASK + 2 * PLANE + MASK);
  }

  /** The same without the variance, for which the bias's error is not read either. */
  double calibrateAlone() {
    return pixels * (3 * PLANE + MASK + PLANE + MASK);
  }

  /**
   * The mesh reads image and mask, and the sky is taken off; from the third pass on the mesh reads
   * the model too, and the difference of both skies is taken off.
   */
  double sky() {
    double first = PLANE + MASK + LESS_SKY;
    double refined = 2 * PLANE + MASK + 2 * PLANE + LESS_SKY;
    return pixels * (first + Math.max(0, passes - 2) * refined);
  }

  /** A search a pass; one for cosmic rays, and another once stars are known; columns. */
  double detect() {
    return pixels * (passes * SEARCH + Math.min(passes, 2) * (SEARCH + MASK) + 2 * PLANE);
  }

  /** After each of the fits of the PSF, in the first passes, all stars are drawn with it. */
  double psf() {
    return pixels * DRAW * Math.min(passes, 3);
  }

  /**
   * A first drawing; then each step reads image, model and variance under the stars' stamps, which
   * overlap, and draws the model anew.
   */
  double fit(int sweeps, double stampPixels) {
    return pixels * DRAW * (sweeps + 1) + 3 * PLANE * Math.min(pixels, stampPixels) * sweeps;
  }

  /** Two steps a pass and two more after the last search. */
  double allPasses(double stampPixels) {
    return fit(2 * passes + 1, stampPixels);
  }
}

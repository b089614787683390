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

  /** Science, sky, mask and response in; variance of the sky and image less sky out. */
  private static final int LESS_SKY = 5 * PLANE + MASK;

  /** Image, variance of the sky, response in; model, residual and weight out. */
  private static final int DRAW = 6 * PLANE;

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

  /**
   * The mesh reads science and mask and writes the sky, which is then taken off; in each later pass
   * the same with the model, and the residual is made anew.
   */
  double sky() {
    double mesh = 2 * PLANE + MASK + LESS_SKY;
    return pixels * (mesh + (passes - 1) * (mesh + PLANE + DRAW));
  }

  /**
   * A search a pass; two for cosmic rays, after which image and residual are made anew; columns.
   */
  double detect() {
    double cosmicRays = SEARCH + MASK + LESS_SKY;
    return pixels * (passes * SEARCH + 2 * cosmicRays + DRAW + 2 * PLANE);
  }

  /** After each of the fits of the PSF, in the first passes, all stars are drawn with it. */
  double psf() {
    return pixels * DRAW * Math.min(passes, 3);
  }

  /** A first drawing; then each step reads the stars' stamps and draws the model anew. */
  double fit(int sweeps, double stampPixels) {
    return pixels * DRAW * (sweeps + 1) + 2 * PLANE * stampPixels * sweeps;
  }

  /** Two steps a pass and two more after the last search. */
  double allPasses(double stampPixels) {
    return fit(2 * passes + 1, stampPixels);
  }
}

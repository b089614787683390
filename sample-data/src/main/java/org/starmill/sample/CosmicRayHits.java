package org.starmill.sample;

/**
 * The pixels of a science frame that cosmic rays hit.
 *
 * @param pixel indices in the section that sees light (row * width + column), rising
 * @param charge what the rays left in each, electrons
 */
public record CosmicRayHits(int[] pixel, float[] charge) {

  /** Number of pixels. */
  public int count() {
    return pixel.length;
  }
}

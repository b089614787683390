package org.starmill.measure;

/**
 * How cosmic rays are told from stars.
 *
 * @param find whether they are looked for
 * @param threshold significance of the Laplacian from which on a pixel may be hit, at least 1
 * @param contrast how many times steeper than the steepest star a hit is, at least 1
 */
public record CosmicRaySettings(boolean find, double threshold, double contrast)
    implements java.io.Serializable {
  /** L.A.Cosmic's own threshold (van Dokkum 2001, PASP 113, 1420), and twice a star's steepness. */
  public static final CosmicRaySettings DEFAULT = new CosmicRaySettings(true, 4.5, 2.0);

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException that names the first one out of its range
   */
  public CosmicRaySettings {
    Demand.that(
        threshold >= 1 && threshold < Double.POSITIVE_INFINITY,
        "threshold of cosmic rays",
        threshold,
        "1 standard deviation or more");
    Demand.that(
        contrast >= 1 && contrast < Double.POSITIVE_INFINITY,
        "contrast of cosmic rays",
        contrast,
        "1 or more");
  }
}

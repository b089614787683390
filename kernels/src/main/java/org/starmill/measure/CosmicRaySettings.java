package org.starmill.measure;

/**
 * How cosmic rays are told from stars.
 *
 * @param find whether they are looked for
 * @param threshold significance of the Laplacian from which on a pixel may be hit, and standard
 *     deviations by which it then fails to be a star's; at least 1
 * @param contrast how many times sharper than the PSF stars may be, at least 1
 */
public record CosmicRaySettings(boolean find, double threshold, double contrast)
    implements java.io.Serializable {
  /** L.A.Cosmic's own threshold (van Dokkum 2001, PASP 113, 1420), and a third over the PSF. */
  public static final CosmicRaySettings DEFAULT = new CosmicRaySettings(true, 4.5, 1.35);

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

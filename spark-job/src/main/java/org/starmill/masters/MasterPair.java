package org.starmill.masters;

/**
 * A new master and that of the night before, of the same kind, amplifier and filter.
 *
 * @param identity of the new one
 * @param kind of both
 * @param ccd detector
 * @param quadrant of the detector
 * @param filter of flats; null for biases
 * @param night of the new one
 * @param path of its file
 * @param previous identity of the earlier one
 * @param previousNight of the earlier one
 * @param previousPath of its file
 */
public record MasterPair(
    String identity,
    MasterKind kind,
    String ccd,
    String quadrant,
    String filter,
    String night,
    String path,
    String previous,
    String previousNight,
    String previousPath) {

  /** What it is, for people. */
  String label() {
    return "master %s of ccd %s, quadrant %s%s"
        .formatted(
            kind == MasterKind.BIAS ? "bias" : "flat",
            ccd,
            quadrant,
            filter == null ? "" : ", filter " + filter);
  }
}

package org.starmill.masters;

import java.io.Serializable;

/**
 * A frame that a master can be made of.
 *
 * @param exposureId its number in the campaign
 * @param path of the file, with scheme
 * @param hdu number of the HDU in the file
 * @param fileLength bytes
 * @param kind bias or flat
 * @param amplifier that read it
 * @param night of the observation, as 2024-05-12, or "unknown"
 * @param filter of a flat; null for a bias
 * @param mjd start of the exposure, UTC; NaN where not known
 * @param exposureSeconds NaN where not known
 */
public record CalibrationFrame(
    long exposureId,
    String path,
    int hdu,
    long fileLength,
    MasterKind kind,
    Amplifier amplifier,
    String night,
    String filter,
    double mjd,
    double exposureSeconds)
    implements Serializable {

  /** Its name for people: the path, and the HDU where it is not the primary one. */
  public String label() {
    return hdu > 0 ? path + "[" + hdu + "]" : path;
  }
}

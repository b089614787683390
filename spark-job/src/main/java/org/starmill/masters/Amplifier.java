package org.starmill.masters;

import java.io.Serializable;

/**
 * What reads a frame out: masters are made for each by itself.
 *
 * @param ccd name of the detector; null where the camera has one
 * @param quadrant of the detector; null where it is read as one
 * @param width columns of the part that saw light
 * @param height rows of it
 */
public record Amplifier(String ccd, String quadrant, int width, int height)
    implements Serializable {

  /** Its name for people. */
  public String label() {
    StringBuilder label = new StringBuilder();
    if (ccd != null) {
      label.append("ccd ").append(ccd).append(", ");
    }
    if (quadrant != null) {
      label.append("quadrant ").append(quadrant).append(", ");
    }
    return label.append("%d x %d pixels".formatted(width, height)).toString();
  }
}

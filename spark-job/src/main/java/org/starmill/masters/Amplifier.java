package org.starmill.masters;

import java.io.Serializable;

/**
 * What reads a frame out: masters are made for each by itself.
 *
 * @param ccd name of the detector
 * @param quadrant of the detector
 * @param width columns of the part that saw light
 * @param height rows of it
 */
public record Amplifier(String ccd, String quadrant, int width, int height)
    implements Serializable {

  /** Its name for people. */
  public String label() {
    return "ccd %s, quadrant %s, %d x %d pixels".formatted(ccd, quadrant, width, height);
  }
}

package org.starmill.masters;

import java.io.Serializable;
import org.starmill.instrument.FrameFacts;

/**
 * What reads a frame out, and whether the frame tells its bias level: masters are made for each by
 * itself.
 *
 * <p>Of a frame with an overscan section the pedestal is subtracted row by row, of one without it
 * stays in. The two can neither be combined nor calibrate one another.
 *
 * @param ccd name of the detector
 * @param quadrant of the detector
 * @param width columns of the part that saw light
 * @param height rows of it
 * @param overscan whether its frames have an overscan section
 */
public record Amplifier(String ccd, String quadrant, int width, int height, boolean overscan)
    implements Serializable {

  /** The amplifier that a frame was read by. */
  public static Amplifier of(FrameFacts facts) {
    return new Amplifier(
        facts.ccd(),
        facts.quadrant(),
        facts.data().width(),
        facts.data().height(),
        facts.overscan() != null);
  }

  /** The same with overscan where this is without, and without where this is with. */
  public Amplifier withOtherOverscan() {
    return new Amplifier(ccd, quadrant, width, height, !overscan);
  }

  /** Its name for people. */
  public String label() {
    return "ccd %s, quadrant %s, %d x %d pixels, %s overscan"
        .formatted(ccd, quadrant, width, height, overscan ? "with" : "without");
  }
}

package org.starmill.instrument;

import java.util.List;
import org.starmill.image.Detector;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

/**
 * What a frame's header and the instrument file say of it.
 *
 * @param type what it is a picture of
 * @param data the pixels that saw light, counted from zero in the raw frame
 * @param overscan the pixels read without light, beside {@code data} and covering its rows; null
 *     for none
 * @param badSections useless pixels, in the coordinates of {@code data}
 * @param gain electrons per ADU
 * @param readNoise electrons; NaN where it is to be taken from the scatter of the bias frames
 * @param saturation raw ADU; infinite where nothing is known
 * @param exposureSeconds NaN where unknown, never so for science frames
 * @param mjd start of the exposure, UTC; NaN where unknown
 * @param night date of the night's evening, as 2024-05-12; "unknown" without a time
 * @param filter "none" where no keyword says
 * @param field name or number of the field or object; empty where no keyword says
 * @param ccd name or number
 * @param quadrant name or number of the amplifier
 * @param airmass NaN where unknown
 * @param withoutOverscan why there is no overscan section, as "BIASSEC is '[a:b]'"; null where
 *     there is one
 * @param notes what was odd in the header and what was done about it
 */
public record FrameFacts(
    ImageType type,
    Section data,
    Section overscan,
    List<Section> badSections,
    double gain,
    double readNoise,
    double saturation,
    double exposureSeconds,
    double mjd,
    String night,
    String filter,
    String field,
    String ccd,
    String quadrant,
    double airmass,
    String withoutOverscan,
    List<String> notes)
    implements java.io.Serializable {

  public FrameFacts {
    badSections = List.copyOf(badSections);
    notes = List.copyOf(notes);
  }

  /**
   * The amplifier, where its read noise is known.
   *
   * @throws ImageRejected where it is not; then {@link #detector(double)} takes that of the bias
   *     frames
   */
  public Detector detector() {
    if (Double.isNaN(readNoise)) {
      throw new ImageRejected(
          "missing keyword",
          "no read noise in the header and none measured on bias frames; set read-noise.default (electrons) in the instrument file");
    }
    return new Detector(gain, readNoise, saturation, badSections);
  }

  /**
   * The amplifier, with the read noise of the bias frames where the header gives none.
   *
   * @param biasReadNoise ADU, as {@code Master.readNoise} has it; 0 while that master is only being
   *     built
   */
  public Detector detector(double biasReadNoise) {
    return Double.isNaN(readNoise)
        ? new Detector(gain, biasReadNoise * gain, saturation, badSections)
        : detector();
  }

  /** The frame these facts are about, ready to be calibrated. */
  public RawFrame frame(float[] pixels, int width, int height, Detector detector) {
    return new RawFrame(pixels, width, height, data, overscan, detector);
  }
}

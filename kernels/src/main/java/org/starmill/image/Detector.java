package org.starmill.image;

import java.util.List;

/**
 * What a calibration must know of the amplifier that read a frame.
 *
 * @param gain electrons per ADU
 * @param readNoise electrons, one standard deviation of one read
 * @param saturation raw ADU (bias level included) from which on a pixel counts as saturated
 * @param badSections pixels known to be useless, in the coordinates of the trimmed image
 */
public record Detector(
    double gain, double readNoise, double saturation, List<Section> badSections) {

  public Detector {
    if (!(gain > 0) || !(readNoise >= 0) || !(saturation > 0)) {
      throw new IllegalArgumentException(
          "gain %s e-/ADU, read noise %s e-, saturation %s ADU: expected gain > 0, read noise >= 0, saturation > 0"
              .formatted(gain, readNoise, saturation));
    }
    badSections = List.copyOf(badSections);
  }
}

package org.starmill.sample;

import java.util.Objects;

/**
 * The frames of a simulated night.
 *
 * @param camera that takes them; the stars of a frame and the seed are set there
 * @param images number of science frames
 * @param biases number of bias frames
 * @param flats number of flat frames
 * @param filter name of the filter of flats and science frames, letters and digits
 * @param rice whether files are tile-compressed by RICE_1, named {@code .fits.fz}
 * @param mosaic whether a file holds four quadrants, each a chip of the camera's size, in four
 *     extensions, in place of one image
 */
public record SimulationSettings(
    CameraSettings camera,
    int images,
    int biases,
    int flats,
    String filter,
    boolean rice,
    boolean mosaic) {

  public SimulationSettings {
    Objects.requireNonNull(camera, "camera");
    if (images < 0 || biases < 0 || flats < 0 || (long) images + biases + flats == 0) {
      throw new IllegalArgumentException(
          "%d science, %d bias and %d flat frames: expected no negative number and at least one frame"
              .formatted(images, biases, flats));
    }
    if (images > 999_999) {
      throw new IllegalArgumentException(
          "%d science frames: expected at most 999999 in one folder".formatted(images));
    }
    if (!filter.matches("[A-Za-z0-9]+")) {
      throw new IllegalArgumentException(
          "filter '%s': expected letters and digits, since it is part of file names"
              .formatted(filter));
    }
  }

  /** Ten bias frames, ten flats and the science frames of a camera, uncompressed, filter g. */
  public static SimulationSettings of(CameraSettings camera, int images) {
    return new SimulationSettings(camera, images, 10, 10, "g", false, false);
  }

  /** Other numbers of calibration frames. */
  public SimulationSettings withCalibrations(int biasFrames, int flatFrames) {
    return new SimulationSettings(camera, images, biasFrames, flatFrames, filter, rice, mosaic);
  }

  /** Another filter. */
  public SimulationSettings withFilter(String name) {
    return new SimulationSettings(camera, images, biases, flats, name, rice, mosaic);
  }

  /** Compressed by RICE_1 or not. */
  public SimulationSettings withRice(boolean value) {
    return new SimulationSettings(camera, images, biases, flats, filter, value, mosaic);
  }

  /** Four quadrants a file or one image. */
  public SimulationSettings withMosaic(boolean value) {
    return new SimulationSettings(camera, images, biases, flats, filter, rice, value);
  }
}

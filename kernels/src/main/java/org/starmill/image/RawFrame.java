package org.starmill.image;

/**
 * A frame as the camera gave it, with what its header and the instrument file say of its pixels.
 *
 * @param pixels raw ADU, row-major, {@code width * height} values, NaN where there is no value
 * @param width columns, overscan included
 * @param height rows
 * @param data the section that saw light
 * @param overscan the section read without light, beside {@code data} and covering its rows; null
 *     where there is none
 * @param detector gain, read noise, saturation, known bad pixels
 */
public record RawFrame(
    float[] pixels, int width, int height, Section data, Section overscan, Detector detector) {

  public RawFrame {
    if (pixels.length != width * height) {
      throw new IllegalArgumentException(
          "frame of %d x %d pixels holds %d values, expected %d"
              .formatted(width, height, pixels.length, width * height));
    }
    if (!data.fitsInto(width, height)) {
      throw new IllegalArgumentException(
          "data section %s lies outside the frame of %d x %d pixels"
              .formatted(data, width, height));
    }
    if (overscan != null && !overscan.fitsInto(width, height)) {
      throw new IllegalArgumentException(
          "overscan section %s lies outside the frame of %d x %d pixels"
              .formatted(overscan, width, height));
    }
  }
}

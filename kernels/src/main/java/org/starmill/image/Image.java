package org.starmill.image;

/**
 * A calibrated image with its variance and mask, row-major.
 *
 * @param science electrons, flat-fielded, sky included; finite everywhere (0 where masked)
 * @param variance electrons squared: photon noise of {@code science} and read noise, carried
 *     through the flat
 * @param mask bits of {@link PixelFlag}
 * @param response the flat that {@code science} was divided by (median 1); null where none was. It
 *     is the master's own array, not a copy: read only
 * @param width columns
 * @param height rows
 * @param readNoise electrons, before the flat
 */
public record Image(
    float[] science,
    float[] variance,
    short[] mask,
    float[] response,
    int width,
    int height,
    double readNoise) {

  public Image {
    int expected = width * height;
    if (science.length != expected
        || variance.length != expected
        || mask.length != expected
        || (response != null && response.length != expected)) {
      throw new IllegalArgumentException(
          "an image of %d x %d pixels needs planes of %d values"
              .formatted(width, height, expected));
    }
  }
}

package org.starmill.image;

/**
 * A calibrated image with its variance and mask, row-major.
 *
 * <p>All planes have {@code width * height} values; that of column x in row y is at {@code y *
 * width + x}. The arrays are not copied.
 *
 * @param science electrons, flat-fielded, sky included. Finite; a pixel without a value is 0 and
 *     flagged {@link PixelFlag#NO_DATA}, any other masked pixel keeps what was read, so that a
 *     saturated star can still be seen
 * @param variance electrons squared: photon noise of {@code science}, read noise and the bias's
 *     error, carried through the flat. It goes with the image to whoever measures on it by other
 *     means; the star fit builds its own from sky and model, for a variance that follows the data's
 *     own noise biases faint fluxes
 * @param mask bits of {@link PixelFlag}
 * @param response the flat that {@code science} was divided by (median 1); null where none was. It
 *     is the master's own array, not a copy: read only
 * @param width columns
 * @param height rows
 * @param readNoise electrons, before the flat; 0 or more
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
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "an image of %d x %d pixels: expected at least 1 x 1".formatted(width, height));
    }
    if (science.length != expected
        || variance.length != expected
        || mask.length != expected
        || (response != null && response.length != expected)) {
      throw new IllegalArgumentException(
          "an image of %d x %d pixels needs planes of %d values"
              .formatted(width, height, expected));
    }
    if (!(readNoise >= 0) || readNoise == Double.POSITIVE_INFINITY) {
      throw new IllegalArgumentException(
          "read noise of %s electrons: expected 0 or more".formatted(readNoise));
    }
  }
}

package org.starmill.psf;

/**
 * Stars the PSF may be fitted to, as the model of the image has them.
 *
 * <p>All arrays have a value a star. They are not copied and must not change while a fit runs,
 * which reads them only.
 *
 * @param centreX column of the pixel that the star's centre lies in
 * @param centreY row of that pixel
 * @param offsetX centre less pixel, from -0.5 to 0.5
 * @param offsetY the same in y
 * @param flux electrons
 * @param photon variance one electron of the star brings, 1 / response
 */
public record PsfStars(
    int[] centreX, int[] centreY, float[] offsetX, float[] offsetY, float[] flux, float[] photon) {

  public PsfStars {
    int n = centreX.length;
    if (centreY.length != n
        || offsetX.length != n
        || offsetY.length != n
        || flux.length != n
        || photon.length != n) {
      throw new IllegalArgumentException(
          "%d, %d, %d, %d, %d and %d values: expected as many of each"
              .formatted(
                  n, centreY.length, offsetX.length, offsetY.length, flux.length, photon.length));
    }
  }

  /** Number of stars. */
  public int count() {
    return centreX.length;
  }

  /** Column of a star's centre, pixels. */
  double x(int star) {
    return (double) centreX[star] + offsetX[star];
  }

  /** Row of a star's centre, pixels. */
  double y(int star) {
    return (double) centreY[star] + offsetY[star];
  }
}

package org.starmill.psf;

/**
 * Stars the PSF may be fitted to, as the model of the image has them.
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
  public int count() {
    return centreX.length;
  }
}

package org.starmill.psf;

/** Draws the PSF of one star, centred on a pixel, onto a square: one row an item. */
final class PsfStampKernel extends PsfKernel {
  int radius;
  float[] form;
  float[] stamp;

  @Override
  public void item(int row) {
    int side = 2 * radius + 1;
    int py = row - radius;
    for (int px = -radius; px <= radius; px++) {
      stamp[row * side + px + radius] = pixel(form, 0, px, py, order(px, py));
    }
  }

  /** The PSF at a position on (2 radius + 1) squared pixels, row-major. */
  static float[] draw(Psf psf, double x, double y, int radius) {
    PsfStampKernel kernel = new PsfStampKernel();
    kernel.configure(psf);
    kernel.radius = radius;
    kernel.form = new float[FORM];
    psf.formAt(x, y, kernel.form, 0);
    int side = 2 * radius + 1;
    kernel.stamp = new float[side * side];
    for (int row = 0; row < side; row++) {
      kernel.item(row);
    }
    return kernel.stamp;
  }
}

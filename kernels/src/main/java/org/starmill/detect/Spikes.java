package org.starmill.detect;

import org.starmill.device.Device;
import org.starmill.image.PixelFlag;

/**
 * Masks single pixels that are sharper than the PSF, as {@link SpikeKernel} says, so that they do
 * not become stars.
 */
public final class Spikes {
  private final Device device;
  private final SpikeKernel kernel = new SpikeKernel();

  public Spikes(Device device) {
    this.device = device;
  }

  /**
   * Adds {@link PixelFlag#COSMIC_RAY} to the mask of each spike.
   *
   * @param image electrons, sky subtracted
   * @param base variance of the empty sky, 0 where a pixel must not be used
   * @param mask bits of {@link PixelFlag}, changed
   * @param width columns
   * @param height rows
   * @param psf the PSF centred on a pixel, on a square of at least 3 x 3 pixels
   */
  public void mask(float[] image, float[] base, short[] mask, int width, int height, float[] psf) {
    int side = (int) Math.round(Math.sqrt(psf.length));
    int middle = psf.length / 2;
    float beside =
        (psf[middle - 1] + psf[middle + 1] + psf[middle - side] + psf[middle + side]) / 4;
    kernel.width = width;
    kernel.height = height;
    kernel.bit = PixelFlag.COSMIC_RAY;
    kernel.share = 0.5f * beside / psf[middle];
    kernel.image = image;
    kernel.base = base;
    kernel.mask = mask;
    device.run(kernel, height);
    // The mask is the caller's: this object lives on and must not hold it.
    kernel.mask = null;
  }
}

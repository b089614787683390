package org.starmill.measure;

import org.starmill.calibrate.Masters;
import org.starmill.device.Device;
import org.starmill.image.Image;
import org.starmill.image.RawFrame;

/**
 * Takes an image the whole way, from raw pixels to stars.
 *
 * <p>Calibrates it, measures its sky, finds peaks, fits the PSF and then every star, and does the
 * last three again on what is left. Holds its kernels and buffers, so that one reducer serves many
 * images, one after the other; it is not safe for use by several threads at once.
 */
public final class ImageReducer implements AutoCloseable {
  private final Device device;
  private final ReductionSettings settings;

  public ImageReducer(Device device, ReductionSettings settings) {
    this.device = device;
    this.settings = settings;
  }

  /**
   * Calibrates and measures a raw frame.
   *
   * @throws org.starmill.image.ImageRejected with the reason, where the frame cannot become stars
   */
  public Reduction reduce(RawFrame frame, Masters masters) {
    throw new IllegalStateException("under construction");
  }

  /**
   * Measures an image that is calibrated already.
   *
   * @throws org.starmill.image.ImageRejected with the reason, where the image cannot become stars
   */
  public Reduction reduce(Image image) {
    throw new IllegalStateException("under construction");
  }

  @Override
  public void close() {}
}

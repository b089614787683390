package org.starmill.measure;

import java.util.Map;
import org.starmill.image.Image;
import org.starmill.psf.Psf;

/**
 * What one image gave, with its planes: stars, the calibrated image, its sky, and what is left.
 *
 * @param measurement the stars, and what was found out about the image
 * @param image calibrated, sky included; its mask also knows the cosmic rays that were found
 * @param sky electrons, a value a pixel
 * @param residual electrons: the image without sky and stars, 0 where a pixel was not used
 */
public record Reduction(Measurement measurement, Image image, float[] sky, float[] residual) {

  /** Every star found. */
  public Stars stars() {
    return measurement.stars();
  }

  /** The PSF that they were fitted with. */
  public Psf psf() {
    return measurement.psf();
  }

  /** The image in a row's worth of numbers. */
  public ImageSummary summary() {
    return measurement.summary();
  }

  /** Wall seconds of each step, in the order of the way: calibrate, sky, detect, psf, measure. */
  public Map<String, Double> seconds() {
    return measurement.seconds();
  }

  /** The same in CPU seconds of the calling thread and its workers. */
  public Map<String, Double> cpuSeconds() {
    return measurement.cpuSeconds();
  }

  /** Name of the device that ran the kernels. */
  public String device() {
    return measurement.device();
  }
}

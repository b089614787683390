package org.starmill.measure;

import java.util.Map;
import org.starmill.image.Image;
import org.starmill.psf.Psf;

/**
 * What one image gave.
 *
 * @param image calibrated, sky included; its mask also knows the cosmic rays that were found
 * @param sky electrons, a value a pixel
 * @param residual electrons: the image without sky and stars, 0 where a pixel was not used
 * @param stars every star found
 * @param psf that they were fitted with
 * @param summary the image in a row's worth of numbers
 * @param seconds wall seconds of each step, in the order of the way: calibrate, sky, detect, psf,
 *     measure
 * @param cpuSeconds the same in CPU seconds of the calling thread and its workers
 * @param device name of the device that ran the kernels
 */
public record Reduction(
    Image image,
    float[] sky,
    float[] residual,
    Stars stars,
    Psf psf,
    ImageSummary summary,
    Map<String, Double> seconds,
    Map<String, Double> cpuSeconds,
    String device) {}

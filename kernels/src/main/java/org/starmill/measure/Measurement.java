package org.starmill.measure;

import java.util.Map;
import org.starmill.psf.Psf;

/**
 * The stars of one image, and what was found out about it.
 *
 * @param stars every star found
 * @param psf that they were fitted with
 * @param summary the image in a row's worth of numbers
 * @param seconds wall seconds of each step, in the order of the way: calibrate, sky, detect, psf,
 *     measure
 * @param cpuSeconds the same in CPU seconds of the calling thread and its workers
 * @param device name of the device that ran the kernels
 */
public record Measurement(
    Stars stars,
    Psf psf,
    ImageSummary summary,
    Map<String, Double> seconds,
    Map<String, Double> cpuSeconds,
    String device) {}

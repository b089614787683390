package org.starmill.calibrate;

/**
 * The masters an image is calibrated with.
 *
 * @param bias never null
 * @param flat null where the image is to be left without a flat
 */
public record Masters(Master bias, Master flat) {}

package org.starmill.sample;

/**
 * A science frame and the truth behind it.
 *
 * @param frame raw pixels
 * @param stars the stars that were drawn
 * @param skyLevel level of the sky in the middle of the frame, electrons at response 1
 */
public record SimulatedExposure(SimulatedFrame frame, StarTruth stars, double skyLevel) {}

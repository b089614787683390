package org.starmill.sample;

import java.util.List;

/**
 * A science frame and the truth behind it.
 *
 * @param frame raw pixels
 * @param stars the stars that were drawn
 * @param skyLevel level of the sky in the middle of the frame, electrons at response 1
 * @param cosmicRays the pixels that were hit
 * @param trails satellites that crossed the frame
 */
public record SimulatedExposure(
    SimulatedFrame frame,
    StarTruth stars,
    double skyLevel,
    CosmicRayHits cosmicRays,
    List<Trail> trails) {}

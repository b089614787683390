package org.starmill.calibrate;

/**
 * How far a master differs from an earlier one of the same amplifier, and filter.
 *
 * @param level bias: median difference, later less earlier, ADU; flat: median ratio, later over
 *     earlier, less 1; NaN where no pixel has a value in both
 * @param shape how far the medians of boxes depart from {@code level}, the one that does most, in
 *     its unit: what has changed over more than a few pixels
 * @param scatter robust standard deviation of the pixels about the median of their box, in units of
 *     what the errors of both masters expect: 1 where nothing but noise has changed
 * @param share of the pixels that depart from the median of their box by more than five of the
 *     expected standard deviations, or have a value in one master only; 0 to 1
 */
public record MasterChange(double level, double shape, double scatter, double share) {}

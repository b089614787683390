/**
 * The whole way of an image, and the fit of every star on it.
 *
 * <p>{@link org.starmill.measure.ImageReducer} is where to begin. It takes a raw frame with its
 * masters, or an image that is calibrated already, and gives a {@link
 * org.starmill.measure.Reduction}: the stars, the planes and a summary.
 */
package org.starmill.measure;

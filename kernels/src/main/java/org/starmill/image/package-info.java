/**
 * Frames and images: what goes into the kernels and what calibration makes of it.
 *
 * <p>A {@link org.starmill.image.RawFrame} is ADU with what is known of the amplifier; an {@link
 * org.starmill.image.Image} is electrons with a mask. Pixels are {@code float[]}, row-major: column
 * x of row y is at {@code y * width + x}, and the centre of the first pixel is (0, 0). Arrays are
 * handed over, not copied. An image that cannot become stars is an {@link
 * org.starmill.image.ImageRejected}, with a reason that can be counted.
 */
package org.starmill.image;

/**
 * The shape of a star and how it varies over the field: a first guess of the seeing, a Moffat or
 * Gaussian integrated over pixels, and its fit to many stars at once.
 *
 * <p>{@link org.starmill.psf.Psf} is the result and stands alone: {@code psf.stampAt(x, y, radius)}
 * draws a star anywhere.
 */
package org.starmill.psf;

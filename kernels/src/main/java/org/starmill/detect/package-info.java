/**
 * Where stars seem to be: a filter matched to the PSF and weighted by the variance, and a mask for
 * what is sharper than any star.
 */
package org.starmill.detect;

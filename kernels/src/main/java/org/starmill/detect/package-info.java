/**
 * Where stars seem to be: a filter matched to the PSF and weighted by the variance, and masks for
 * what is sharper than any star, for the trails of satellites and for defective columns.
 */
package org.starmill.detect;

/**
 * Where stars seem to be: a filter matched to the PSF and weighted by the variance, and masks for
 * what is sharper than any star and for the trails of satellites.
 */
package org.starmill.detect;

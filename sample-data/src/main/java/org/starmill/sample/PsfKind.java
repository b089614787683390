package org.starmill.sample;

/** The analytic shape of a simulated star, before it is integrated over pixels. */
public enum PsfKind {
  /** Elliptical Gaussian: no wings. */
  GAUSSIAN,
  /** Elliptical Moffat with beta 3: the wings of a real star (Moffat 1969, A&amp;A 3, 455). */
  MOFFAT,
  /**
   * No Moffat: 80 % of the light in one of beta 3.5, 20 % in one of beta 2.25, twice as wide and an
   * eighth of the FWHM aside, as coma does it. Ends at 15 FWHM; a star's place is the centroid of
   * its light.
   */
  COMA
}

package org.starmill.sample;

/** The analytic shape of a simulated star, before it is integrated over pixels. */
public enum PsfKind {
  /** Elliptical Gaussian: no wings. */
  GAUSSIAN,
  /** Elliptical Moffat with beta 3: the wings of a real star (Moffat 1969, A&amp;A 3, 455). */
  MOFFAT
}

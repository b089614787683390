package org.starmill.psf;

/** The analytic shape of a star, before it is integrated over pixels. */
public enum PsfModel {
  GAUSSIAN,
  MOFFAT
}

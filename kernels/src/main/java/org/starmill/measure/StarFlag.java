package org.starmill.measure;

/** What happened to a star's fit: bits 16 and up of its flags (bits 0 to 15: the pixels' bits). */
public final class StarFlag {
  /** The last step still took something off chi squared, or the pixels do not determine the fit. */
  public static final int NOT_CONVERGED = 1 << 16;

  /**
   * The position ended half a FWHM (at least a pixel) from where its pass began: it wants further.
   */
  public static final int AT_BOUND = 1 << 17;

  /** Of the light under the star more than 1 % is of others (crowding below 0.99). */
  public static final int FITTED_WITH_NEIGHBOURS = 1 << 18;

  /** Of the light under the star more than half is of others (crowding below 0.5). */
  public static final int NEIGHBOUR_DOMINATES = 1 << 19;

  /** The position was given and held (forced); {@link ImageReducer} sets it on no star it finds. */
  public static final int POSITION_FIXED = 1 << 20;

  /** The flux is below 0; {@link ImageReducer} drops such stars, for they are no detections. */
  public static final int NEGATIVE_FLUX = 1 << 21;

  /**
   * The PSF varies over the field, and the star lies more than a tenth of the image's side outside
   * the rectangle spanned by the stars the PSF was fitted to.
   */
  public static final int PSF_EXTRAPOLATED = 1 << 22;

  /** The centre lies beyond the outer edges of the outermost pixels. */
  public static final int OUTSIDE_FRAME = 1 << 23;

  /**
   * The pixels contradict the model: chi squared of the core, sharpness or the two halves of the
   * star disagree beyond noise.
   */
  public static final int POOR_FIT = 1 << 24;

  /** Another star is closer than a FWHM; should the two be three, their errors do not know. */
  public static final int BLENDED = 1 << 25;

  /** More neighbours than are solved together: the errors leave the rest out. */
  public static final int WORK_LIMIT = 1 << 26;

  private StarFlag() {}
}

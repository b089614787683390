package org.starmill.measure;

/** What happened to a star's fit: bits 16 and up of its flags (bits 0 to 15: the pixels' bits). */
public final class StarFlag {
  public static final int NOT_CONVERGED = 1 << 16;
  public static final int AT_BOUND = 1 << 17;
  public static final int FITTED_WITH_NEIGHBOURS = 1 << 18;
  public static final int NEIGHBOUR_DOMINATES = 1 << 19;
  public static final int POSITION_FIXED = 1 << 20;
  public static final int NEGATIVE_FLUX = 1 << 21;
  public static final int PSF_EXTRAPOLATED = 1 << 22;
  public static final int OUTSIDE_FRAME = 1 << 23;

  private StarFlag() {}
}

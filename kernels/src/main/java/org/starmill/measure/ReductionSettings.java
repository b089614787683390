package org.starmill.measure;

import org.starmill.psf.PsfModel;

/**
 * Every choice that an image's reduction depends on.
 *
 * @param skyBox side of a box of the sky mesh, pixels; enlarged where the seeing asks for it
 * @param skyFilter side of the median filter over the mesh, boxes, odd
 * @param skyMaxLevel electrons; a sky above this rejects the image; infinite for none
 * @param threshold significance from which on a peak is a star
 * @param psfModel Moffat or Gaussian
 * @param psfBeta Moffat's beta where it is held; NaN fits it
 * @param psfOrder highest total order of the polynomials by which the PSF varies over the field
 * @param psfMinStars fewest stars a PSF is fitted to; with fewer the image is rejected
 * @param psfMaxStars most stars a PSF is fitted to
 * @param stampRadius half the side of a star's stamp, in FWHM
 * @param fitSky true to fit a constant sky with every star, false to hold the sky of the mesh
 * @param passes how often all stars are fitted, each time on the image without the others
 * @param edge width of the margin whose pixels and stars are flagged, pixels
 */
public record ReductionSettings(
    int skyBox,
    int skyFilter,
    double skyMaxLevel,
    double threshold,
    PsfModel psfModel,
    double psfBeta,
    int psfOrder,
    int psfMinStars,
    int psfMaxStars,
    double stampRadius,
    boolean fitSky,
    int passes,
    int edge) {

  /** What is right for a camera that is not known. */
  public static final ReductionSettings DEFAULT =
      new ReductionSettings(
          64,
          3,
          Double.POSITIVE_INFINITY,
          4.0,
          PsfModel.MOFFAT,
          Double.NaN,
          2,
          5,
          3000,
          3.5,
          false,
          3,
          4);
}

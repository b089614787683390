package org.starmill.measure;

import org.starmill.psf.PsfModel;

/**
 * Every choice that an image's reduction depends on.
 *
 * <p>Two images reduced with equal settings by the same version differ by their pixels alone.
 *
 * @param skyBox side of a box of the sky mesh, pixels, at least 8; larger boxes, of 12 FWHM or
 *     more, are taken where the seeing asks for them
 * @param skyFilter side of the median filter over the mesh, boxes, odd; 1 for none
 * @param skyMaxLevel electrons a pixel, 0 or more; a sky above this rejects the image; infinite for
 *     none
 * @param threshold significance from which on a peak is a star, at least 1
 * @param psfModel Moffat or Gaussian
 * @param psfBeta Moffat's beta where it is held, 1.1 to 100; NaN fits it. Of no meaning for a
 *     Gaussian
 * @param psfOrder highest total order, 0 to 6, of the polynomials by which the PSF varies over the
 *     field; a lower one is taken where there are fewer than five stars a term
 * @param psfResidualOrder highest total order, 0 to 2, of the polynomials by which the grid of
 *     residuals on the analytic PSF varies over the field; -1 for no grid
 * @param psfMinStars fewest stars a PSF is fitted to, at least 1; with fewer the image is rejected
 * @param psfMaxStars most stars a PSF is fitted to, the brightest; not below {@code psfMinStars}
 * @param stampRadius half the side of a star's stamp, in FWHM, 1 to 50
 * @param fitSky true to fit a constant sky with every star, false to hold the sky of the mesh
 * @param passes how often all stars are fitted, at least 1, each time on the image without the
 *     others, after a search for new ones on the residual
 * @param maxGroup most neighbours that are solved together with a star, 0 to 64; what is left out
 *     is flagged {@link StarFlag#WORK_LIMIT}
 * @param edge width of the margin whose pixels and stars are flagged, pixels, 0 for none
 * @param cosmicRays how cosmic rays are told from stars
 * @param trails whether trails of satellites and aircraft are looked for and masked
 * @param apertures that every star is measured in beside the PSF
 */
public record ReductionSettings(
    int skyBox,
    int skyFilter,
    double skyMaxLevel,
    double threshold,
    PsfModel psfModel,
    double psfBeta,
    int psfOrder,
    int psfResidualOrder,
    int psfMinStars,
    int psfMaxStars,
    double stampRadius,
    boolean fitSky,
    int passes,
    int maxGroup,
    int edge,
    CosmicRaySettings cosmicRays,
    boolean trails,
    ApertureSettings apertures) {
  /** Most neighbours that can be asked to be solved together with a star. */
  public static final int MOST_NEIGHBOURS = 64;

  /**
   * What is right for a camera that is not known.
   *
   * <ul>
   *   <li>Sky boxes of 64 pixels: many stars wide in usual seeing, narrow beside what skies vary
   *       over; a filter of 3 x 3 boxes takes out single ones spoilt by a bright star; no level is
   *       too high.
   *   <li>A threshold of 4: noise exceeds it at one of 30,000 independent places. A star whose fit
   *       then finds less than 3 standard deviations of flux is dropped again.
   *   <li>A Moffat with beta fitted, varying by quadratic polynomials, with a grid of residuals
   *       that varies linearly, of 5 to 600 stars: five carry a constant shape; the brightest 600
   *       know more than the thousands of faint ones, whose unseen companions would widen the PSF.
   *   <li>Stamps of 3.5 FWHM either way: 99.5 % of the light of a Moffat of beta 3, and the rest
   *       adds noise; the flux is that of the whole profile all the same.
   *   <li>The mesh's sky held, for a sky fitted with each star costs signal; 4 passes, after which
   *       neighbours no longer change each other; up to 12 neighbours solved together with a star;
   *       4 pixels of edge.
   *   <li>Cosmic rays and trails are masked; six apertures of 1 to 7 pixels' radius.
   * </ul>
   */
  public static final ReductionSettings DEFAULT =
      new ReductionSettings(
          64,
          3,
          Double.POSITIVE_INFINITY,
          4.0,
          PsfModel.MOFFAT,
          Double.NaN,
          2,
          1,
          5,
          600,
          3.5,
          false,
          4,
          12,
          4,
          CosmicRaySettings.DEFAULT,
          true,
          ApertureSettings.DEFAULT);

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException that names the first one out of its range
   */
  public ReductionSettings {
    Demand.that(skyBox >= 8, "sky box", skyBox, "at least 8 pixels");
    Demand.that(
        skyFilter >= 1 && skyFilter % 2 == 1, "sky filter", skyFilter, "an odd number of boxes");
    Demand.that(skyMaxLevel >= 0, "highest sky", skyMaxLevel, "0 electrons or more, or infinity");
    Demand.that(
        threshold >= 1 && threshold < Double.POSITIVE_INFINITY,
        "detection threshold",
        threshold,
        "1 standard deviation or more");
    Demand.that(psfModel != null, "PSF model", psfModel, "Moffat or Gaussian");
    Demand.that(
        Double.isNaN(psfBeta) || (psfBeta >= 1.1 && psfBeta <= 100),
        "PSF beta",
        psfBeta,
        "1.1 to 100, or NaN to fit it");
    Demand.that(psfOrder >= 0 && psfOrder <= 6, "PSF order", psfOrder, "0 to 6");
    Demand.that(
        psfResidualOrder >= -1 && psfResidualOrder <= 2,
        "order of the PSF's residual grid",
        psfResidualOrder,
        "0 to 2, or -1 for no grid");
    Demand.that(psfMinStars >= 1, "fewest PSF stars", psfMinStars, "at least 1");
    Demand.that(
        psfMaxStars >= psfMinStars,
        "most PSF stars",
        psfMaxStars,
        "at least the fewest, " + psfMinStars);
    Demand.that(
        stampRadius >= 1 && stampRadius <= 50,
        "stamp radius",
        stampRadius,
        "1 to 50 times the FWHM");
    Demand.that(passes >= 1, "passes", passes, "at least 1");
    Demand.that(
        maxGroup >= 0 && maxGroup <= MOST_NEIGHBOURS,
        "most neighbours solved together",
        maxGroup,
        "0 to " + MOST_NEIGHBOURS);
    Demand.that(edge >= 0, "edge", edge, "0 pixels or more");
    Demand.that(cosmicRays != null, "cosmic rays", cosmicRays, "settings");
    Demand.that(apertures != null, "apertures", apertures, "settings");
  }

  /** The same settings with another number of passes. */
  public ReductionSettings withPasses(int passes) {
    return new ReductionSettings(
        skyBox,
        skyFilter,
        skyMaxLevel,
        threshold,
        psfModel,
        psfBeta,
        psfOrder,
        psfResidualOrder,
        psfMinStars,
        psfMaxStars,
        stampRadius,
        fitSky,
        passes,
        maxGroup,
        edge,
        cosmicRays,
        trails,
        apertures);
  }
}

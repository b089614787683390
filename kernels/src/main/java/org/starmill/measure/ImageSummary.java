package org.starmill.measure;

import org.starmill.psf.PsfHoldOut;

/**
 * An image in a row's worth of numbers.
 *
 * @param skyLevel electrons a pixel, median over the image
 * @param skyNoise electrons, standard deviation of a pixel of empty sky, median over the image
 * @param psfModel "moffat" or "gaussian"
 * @param psfFwhm pixels, geometric mean of the axes, at the centre of the image
 * @param psfEllipticity 1 - minor/major axis, at the centre of the image
 * @param psfBeta Moffat's beta at the centre; NaN for a Gaussian
 * @param psfStars number of stars the PSF was fitted to
 * @param psfChi2 reduced chi squared of those stars
 * @param psfCoefficients the polynomials: for each of ln FWHM, e1, e2, beta the terms 1, u, v, uu,
 *     uv, vv, ... with u = 2 x/(width-1) - 1, v = 2 y/(height-1) - 1; absent terms left out
 * @param saturatedShare share of pixels that are saturated
 * @param maskedShare share of pixels without weight
 * @param limitingFlux electrons: the flux of an isolated star at five standard deviations, median
 *     over the image
 * @param apertures curve of growth and aperture corrections
 * @param psfHoldOut residuals of the stars that were held out of the PSF
 * @param cosmicRayShare share of pixels flagged as hit by cosmic rays
 * @param trails number of trails of satellites and aircraft that were masked
 * @param errorFloor fitted relative error of the PSF in a pixel, part of the variance that every
 *     star is fitted with; 0 for none
 * @param confusionNoise electrons: what stars that are not seen, and structure, add to the noise of
 *     a faint star's flux; not in the stars' errors; 0 for none
 */
public record ImageSummary(
    double skyLevel,
    double skyNoise,
    String psfModel,
    double psfFwhm,
    double psfEllipticity,
    double psfBeta,
    int psfStars,
    double psfChi2,
    double[] psfCoefficients,
    double saturatedShare,
    double maskedShare,
    double limitingFlux,
    ApertureSummary apertures,
    PsfHoldOut psfHoldOut,
    double cosmicRayShare,
    int trails,
    double errorFloor,
    double confusionNoise)
    implements java.io.Serializable {}

package org.starmill.sample;

/**
 * All that varies between simulated cameras: chip, bias, response, sky, PSF, stars, exposure.
 *
 * <p>Immutable; begin with {@link #ztfLike()} and change what a test is about with the {@code
 * withX} methods. Levels are in ADU where a header would give ADU, in electrons where the physics
 * counts them, lengths in pixels, times in seconds.
 *
 * @param seed one number from which every frame of the camera follows
 * @param chip size, gain, noise and capacity of the detector
 * @param bias the level and pattern of a frame without light
 * @param response flat field and blemishes
 * @param sky background light and cosmic rays
 * @param psf shape of a star
 * @param stars number and magnitudes of the stars of a field
 * @param exposureTime seconds of a science frame
 * @param flatLevel mean level of a flat frame above bias, ADU
 * @param pixelScale arcseconds
 */
public record CameraSettings(
    long seed,
    Chip chip,
    Bias bias,
    Response response,
    Sky sky,
    Psf psf,
    Stars stars,
    double exposureTime,
    double flatLevel,
    double pixelScale) {

  /**
   * The detector.
   *
   * @param width columns that see light
   * @param height rows
   * @param overscan columns read without light, right of the others
   * @param gain electrons per ADU
   * @param readNoise electrons, one standard deviation
   * @param fullWell electrons a pixel holds before its charge bleeds along the column
   */
  public record Chip(
      int width, int height, int overscan, double gain, double readNoise, double fullWell) {

    public Chip {
      require(width >= 16 && height >= 16, "chip of %d x %d pixels", width, height, "at least 16");
      require(overscan >= 0, "%d overscan columns", overscan, null, "0 or more");
      require(gain > 0, "gain %s e-/ADU", gain, null, "more than 0");
      require(readNoise >= 0, "read noise %s e-", readNoise, null, "0 or more");
      require(fullWell > 0, "full well %s e-", fullWell, null, "more than 0");
    }
  }

  /**
   * What a frame without light shows.
   *
   * @param level ADU
   * @param gradient difference between opposite sides of the frame, ADU
   * @param columnPattern standard deviation of the columns' own offsets, ADU
   * @param warmColumns number of columns that stand 20 to 80 ADU above their neighbours
   * @param rowDrift amplitude of the slow drift along the rows, new in each frame and seen by the
   *     overscan as well, ADU
   */
  public record Bias(
      double level, double gradient, double columnPattern, int warmColumns, double rowDrift) {

    public Bias {
      require(level >= 0, "bias level %s ADU", level, null, "0 or more");
      require(columnPattern >= 0, "column pattern %s ADU", columnPattern, null, "0 or more");
      require(warmColumns >= 0, "%d warm columns", warmColumns, null, "0 or more");
      require(rowDrift >= 0, "row drift %s ADU", rowDrift, null, "0 or more");
    }
  }

  /**
   * How the pixels answer to light.
   *
   * @param vignetting loss of light at the corners, as a share
   * @param dustRings number of out-of-focus dust grains
   * @param pixelToPixel standard deviation of the pixels' own response, as a share
   * @param deadPixels number of pixels with less than 0.3 of the usual response
   * @param deadColumns number of columns with none
   * @param hotPixels number of pixels with 10 to 1000 e-/s of dark current
   * @param hotColumns number of columns with 3 to 30 e-/s from some row upwards
   */
  public record Response(
      double vignetting,
      int dustRings,
      double pixelToPixel,
      int deadPixels,
      int deadColumns,
      int hotPixels,
      int hotColumns) {

    public Response {
      require(vignetting >= 0 && vignetting < 1, "vignetting %s", vignetting, null, "0 to below 1");
      require(
          pixelToPixel >= 0 && pixelToPixel < 0.1,
          "pixel response %s",
          pixelToPixel,
          null,
          "0 to below 0.1");
      require(
          dustRings >= 0
              && deadPixels >= 0
              && deadColumns >= 0
              && hotPixels >= 0
              && hotColumns >= 0,
          "a negative number of blemishes",
          null,
          null,
          "0 or more");
    }
  }

  /**
   * The light that is not of stars.
   *
   * @param darkest sky level of the darkest frame, ADU
   * @param brightest sky level of the brightest frame, ADU; each frame has its own in between
   * @param gradient difference between opposite sides of the frame, as a share of the level
   * @param cosmicRays number of cosmic rays in a science frame: 40 % points, the others tracks
   * @param trails number of satellites that draw a straight trail over a science frame
   */
  public record Sky(double darkest, double brightest, double gradient, int cosmicRays, int trails) {

    /** A sky without satellites. */
    public Sky(double darkest, double brightest, double gradient, int cosmicRays) {
      this(darkest, brightest, gradient, cosmicRays, 0);
    }

    public Sky {
      require(
          darkest >= 0 && brightest >= darkest,
          "sky from %s to %s ADU",
          darkest,
          brightest,
          "0 or more and in order");
      require(gradient >= 0 && gradient < 1, "sky gradient %s", gradient, null, "0 to below 1");
      require(cosmicRays >= 0, "%d cosmic rays", cosmicRays, null, "0 or more");
      require(trails >= 0, "%d trails", trails, null, "0 or more");
    }
  }

  /**
   * The shape of a star.
   *
   * @param kind Gaussian, Moffat or one with coma
   * @param fwhm full width at half maximum, geometric mean of both axes, pixels
   * @param fwhmVariation change of the FWHM over the field, as a share, peak to peak about twice it
   * @param ellipticity typical 1 - minor / major axis at the corners
   */
  public record Psf(PsfKind kind, double fwhm, double fwhmVariation, double ellipticity) {

    public Psf {
      require(fwhm >= 1 && fwhm <= 40, "FWHM %s pixels", fwhm, null, "1 to 40");
      require(
          fwhmVariation >= 0 && fwhmVariation < 0.3,
          "FWHM variation %s",
          fwhmVariation,
          null,
          "0 to below 0.3");
      require(
          ellipticity >= 0 && ellipticity < 0.3,
          "ellipticity %s",
          ellipticity,
          null,
          "0 to below 0.3");
    }
  }

  /**
   * The stars of a field: numbers grow as 10^(slope * magnitude) between the two limits.
   *
   * @param count stars whose centres lie within the frame
   * @param slope of log10 of the number over magnitude
   * @param brightest magnitude
   * @param faintest magnitude
   * @param zeroPoint magnitude of one electron per second
   */
  public record Stars(
      int count, double slope, double brightest, double faintest, double zeroPoint) {

    public Stars {
      require(count >= 0, "%d stars", count, null, "0 or more");
      require(slope > 0, "slope %s of the star counts", slope, null, "more than 0");
      require(
          faintest > brightest,
          "magnitudes from %s to %s",
          brightest,
          faintest,
          "the brightest first");
    }
  }

  public CameraSettings {
    require(exposureTime > 0, "exposure time %s s", exposureTime, null, "more than 0");
    require(flatLevel > 0, "flat level %s ADU", flatLevel, null, "more than 0");
    require(pixelScale > 0, "pixel scale %s arcsec", pixelScale, null, "more than 0");
  }

  private static void require(
      boolean holds, String found, Object first, Object second, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(found.formatted(first, second) + ": expected " + expected);
    }
  }

  /**
   * A camera as the quadrants of the Zwicky Transient Facility are (Bellm et al. 2019, PASP 131,
   * 018002): 3072 x 3080 pixels of 1.01 arcseconds, FWHM 2 pixels, 20,000 stars.
   *
   * <p>About 30 % of its stars lie below S/N 5, and the brightest tens are saturated.
   */
  public static CameraSettings ztfLike() {
    return new CameraSettings(
        1,
        new Chip(3072, 3080, 30, 6.2, 10, 350_000),
        new Bias(1500, 12, 1.5, 4, 2.5),
        new Response(0.18, 14, 0.01, 280, 2, 280, 2),
        new Sky(150, 300, 0.06, 60),
        new Psf(PsfKind.MOFFAT, 2.0, 0.03, 0.04),
        new Stars(20_000, 0.3, 9.2, 21.15, 24.2),
        30,
        30_000,
        1.01);
  }

  /** The same camera with another seed: other stars, noise, blemishes and dust. */
  public CameraSettings withSeed(long value) {
    return new CameraSettings(
        value, chip, bias, response, sky, psf, stars, exposureTime, flatLevel, pixelScale);
  }

  /** Another detector; blemishes and cosmic rays stay as many as they are. */
  public CameraSettings withChip(Chip value) {
    return new CameraSettings(
        seed, value, bias, response, sky, psf, stars, exposureTime, flatLevel, pixelScale);
  }

  /**
   * Another size of the section that sees light. Blemishes, dust and cosmic rays follow the area
   * (columns the width), but at least one stays of each kind there was; the numbers of stars and of
   * satellites stay.
   */
  public CameraSettings withSize(int width, int height) {
    double columns = (double) width / chip.width;
    double area = columns * height / chip.height;
    return new CameraSettings(
        seed,
        new Chip(width, height, chip.overscan, chip.gain, chip.readNoise, chip.fullWell),
        new Bias(
            bias.level,
            bias.gradient,
            bias.columnPattern,
            scaled(bias.warmColumns, columns),
            bias.rowDrift),
        new Response(
            response.vignetting,
            scaled(response.dustRings, area),
            response.pixelToPixel,
            scaled(response.deadPixels, area),
            scaled(response.deadColumns, columns),
            scaled(response.hotPixels, area),
            scaled(response.hotColumns, columns)),
        new Sky(sky.darkest, sky.brightest, sky.gradient, scaled(sky.cosmicRays, area), sky.trails),
        psf,
        stars,
        exposureTime,
        flatLevel,
        pixelScale);
  }

  private static int scaled(int count, double factor) {
    return count == 0 ? 0 : (int) Math.max(1, Math.round(count * factor));
  }

  /** Another bias level and pattern. */
  public CameraSettings withBias(Bias value) {
    return new CameraSettings(
        seed, chip, value, response, sky, psf, stars, exposureTime, flatLevel, pixelScale);
  }

  /** Another flat field and other blemishes. */
  public CameraSettings withResponse(Response value) {
    return new CameraSettings(
        seed, chip, bias, value, sky, psf, stars, exposureTime, flatLevel, pixelScale);
  }

  /** Another sky. */
  public CameraSettings withSky(Sky value) {
    return new CameraSettings(
        seed, chip, bias, response, value, psf, stars, exposureTime, flatLevel, pixelScale);
  }

  /** A sky of one level (ADU) in all frames, without gradient. */
  public CameraSettings withFlatSky(double level) {
    return withSky(new Sky(level, level, 0, sky.cosmicRays, sky.trails));
  }

  /** Another number of cosmic rays in a science frame. */
  public CameraSettings withCosmicRays(int count) {
    return withSky(new Sky(sky.darkest, sky.brightest, sky.gradient, count, sky.trails));
  }

  /**
   * Another number of satellites' trails in a science frame: straight, with the PSF across, from
   * three standard deviations of the sky's noise a pixel up to saturating; a third of them end
   * within the frame.
   */
  public CameraSettings withTrails(int count) {
    return withSky(new Sky(sky.darkest, sky.brightest, sky.gradient, sky.cosmicRays, count));
  }

  /** Another shape of the stars. */
  public CameraSettings withPsf(Psf value) {
    return new CameraSettings(
        seed, chip, bias, response, sky, value, stars, exposureTime, flatLevel, pixelScale);
  }

  /** Another kind and width of the PSF, with the same variation over the field. */
  public CameraSettings withPsf(PsfKind kind, double fwhm) {
    return withPsf(new Psf(kind, fwhm, psf.fwhmVariation, psf.ellipticity));
  }

  /** A round PSF that is the same everywhere in the field. */
  public CameraSettings withConstantPsf(PsfKind kind, double fwhm) {
    return withPsf(new Psf(kind, fwhm, 0, 0));
  }

  /** Other star counts. */
  public CameraSettings withStars(Stars value) {
    return new CameraSettings(
        seed, chip, bias, response, sky, psf, value, exposureTime, flatLevel, pixelScale);
  }

  /** Another number of stars, of the same magnitudes. */
  public CameraSettings withStars(int count) {
    return withStars(
        new Stars(count, stars.slope, stars.brightest, stars.faintest, stars.zeroPoint));
  }

  /** Another exposure time of the science frames, seconds. */
  public CameraSettings withExposureTime(double seconds) {
    return new CameraSettings(
        seed, chip, bias, response, sky, psf, stars, seconds, flatLevel, pixelScale);
  }

  /**
   * No dead, hot or warm pixels and columns, no dust, no cosmic rays or satellites: every pixel is
   * good.
   */
  public CameraSettings withoutBlemishes() {
    return withBias(new Bias(bias.level, bias.gradient, bias.columnPattern, 0, bias.rowDrift))
        .withResponse(new Response(response.vignetting, 0, response.pixelToPixel, 0, 0, 0, 0))
        .withCosmicRays(0)
        .withTrails(0);
  }

  /**
   * The raw level from which on a pixel is saturated, ADU: 2 % below the full well above the bias,
   * so that noise and the bias pattern leave no saturated pixel below it.
   */
  public double saturation() {
    return Math.min(65_535, Math.floor(bias.level + 0.98 * chip.fullWell / chip.gain));
  }

  /** Flux in electrons of a star of the magnitude in one science frame. */
  public double fluxOf(double magnitude) {
    return exposureTime * Math.pow(10, 0.4 * (stars.zeroPoint - magnitude));
  }
}

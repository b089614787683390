package org.starmill.measure;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;
import org.starmill.calibrate.Calibration;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.Masters;
import org.starmill.detect.CosmicRays;
import org.starmill.detect.DefectiveColumns;
import org.starmill.detect.MatchedFilter;
import org.starmill.detect.Peaks;
import org.starmill.detect.Surroundings;
import org.starmill.detect.Trails;
import org.starmill.device.Device;
import org.starmill.image.Image;
import org.starmill.image.ImageRejected;
import org.starmill.image.PixelFlag;
import org.starmill.image.RawFrame;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfFit;
import org.starmill.psf.PsfModel;
import org.starmill.psf.PsfStars;
import org.starmill.psf.Seeing;
import org.starmill.sky.Sky;
import org.starmill.sky.SkyMesh;
import org.starmill.trace.Trace;

/**
 * Takes an image the whole way, from raw pixels to stars.
 *
 * <p>Calibrates it, measures its sky, finds peaks, fits the PSF and then every star; then, as often
 * as asked, does the same again on what is left: the sky on the image without its stars, peaks on
 * the residual, the PSF and each star without its neighbours.
 *
 * <pre>{@code
 * try (Device device = Devices.java(4);
 *     ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
 *   for (RawFrame frame : frames) {
 *     Stars stars = reducer.measure(frame, masters).stars();
 *   }
 * }
 * }</pre>
 *
 * <p>Holds its kernels and some planes of the image's size, so that one reducer serves many images
 * of any size, one after the other; what an image gives does not depend on those before it. Not
 * safe for use by several threads at once.
 */
public final class ImageReducer implements AutoCloseable {
  /** FWHM, pixels, of the filter that finds the stars the seeing is guessed from. */
  private static final double BLIND_FWHM = 2.5;

  /** A star below this many standard deviations of its flux is dropped. */
  private static final double FAINTEST = 3;

  /** The same within a FWHM of another: left out, its light would be the other's. */
  private static final double FAINTEST_COMPANION = 2.2;

  /** Steps that all stars take between two searches, and most after the last. */
  private static final int SWEEPS = 2;

  private static final int LAST_SWEEPS = 8;

  /** After so many passes the PSF is no longer fitted anew. */
  private static final int PSF_PASSES = 2;

  /** After how many of the first searches the structure that is no star's is measured. */
  private static final int STRUCTURE_PASSES = 2;

  /** By how much the first step's diagonals are raised: where peaks overlap it would go too far. */
  private static final double FIRST_DAMPING = 0.1;

  private static final int MAX_STAMP_RADIUS = 40;

  /** Least side of a box of the sky mesh, in FWHM, and the step in pixels by which it grows. */
  private static final double BOX_FWHM = 12;

  private static final int BOX_STEP = 32;

  /** Significance that a peak needs to be looked at for the seeing. */
  private static final double SEEING_THRESHOLD = 10;

  /** With as many in a strip of the image the rest is not looked at for the seeing. */
  private static final int SEEING_STARS = 1000;

  /** No pixel holds as many electrons; the squares of numbers much larger are not finite. */
  private static final float BEYOND_ALL_IMAGES = 1e9f;

  /** A pixel of lower response is dead. */
  private static final float LEAST_RESPONSE = 0.05f;

  /**
   * Least variance of a pixel, as a share of the sky's measured one and in electrons squared: it
   * stands in where a sky of 0 or less and no read noise leave none.
   */
  private static final double LEAST_VARIANCE_SHARE = 0.1;

  private static final double LEAST_VARIANCE = 1e-4;

  /**
   * Share of the pixels that the sky is measured on at least, those with the least light of stars:
   * in the densest fields none is without.
   */
  private static final double LEAST_SKY_SHARE = 0.2;

  /** How far beyond the PSF's stars a star may lie, in sides of the image, before it is flagged. */
  private static final double PSF_MARGIN = 0.1;

  private final Device device;
  private final ReductionSettings settings;
  private final Calibration calibration;
  private final SkyMesh mesh;
  private final BaseVarianceKernel baseVariance = new BaseVarianceKernel();
  private final ResidualKernel residuals = new ResidualKernel();
  private final MatchedFilter filter;
  private final DefectiveColumns defectiveColumns;
  private final CosmicRays cosmicRays;
  private final Surroundings surroundings;
  private final Trails trails = new Trails();
  private final PsfFit psfFit;
  private final StarSolver solver;
  private final Apertures apertures;
  private Planes planes;
  private MasterErrors errors;

  /**
   * Makes a reducer; it does not close the device.
   *
   * @param device that all kernels run on
   * @param settings the same for all its images
   */
  public ImageReducer(Device device, ReductionSettings settings) {
    this.device = device;
    this.settings = settings;
    this.calibration = new Calibration(device, settings.edge());
    this.mesh = new SkyMesh(device, settings.skyBox(), settings.skyFilter());
    this.filter = new MatchedFilter(device);
    this.defectiveColumns = new DefectiveColumns(device);
    this.surroundings = new Surroundings(device);
    this.cosmicRays =
        new CosmicRays(device, settings.cosmicRays().threshold(), settings.cosmicRays().contrast());
    this.psfFit = new PsfFit(device);
    this.solver = new StarSolver(device);
    this.apertures = new Apertures(device, settings.apertures());
  }

  /**
   * Calibrates a raw frame and measures its stars.
   *
   * <p>Works in planes that are kept for the next image: on the Java device with the Vector API
   * nothing of the image's size is allocated once one of its size was there.
   *
   * @param frame left as it is
   * @param masters of the size of the frame's data section; left as they are
   * @throws ImageRejected with the reason, where the frame cannot become stars: those of {@link
   *     Calibration#calibrate} and of {@link #reduce(Image)}
   * @throws org.starmill.device.DeviceException where the device fails, whatever the image
   */
  public Measurement measure(RawFrame frame, Masters masters) {
    StepClock clock = new StepClock(device);
    planes(frame.data().width(), frame.data().height());
    short[] mask = planes.ownMask();
    clock.run("calibrate", () -> calibration.calibrate(frame, masters, planes.image, mask));
    return field(frame, masters, clock).measure();
  }

  /**
   * Calibrates a raw frame and measures its stars, as {@link #measure}, and gives the planes too.
   *
   * @param frame left as it is
   * @param masters of the size of the frame's data section; left as they are
   * @throws ImageRejected as {@link #measure}
   * @throws org.starmill.device.DeviceException where the device fails, whatever the image
   */
  public Reduction reduce(RawFrame frame, Masters masters) {
    StepClock clock = new StepClock(device);
    Image image = clock.time("calibrate", () -> calibration.calibrate(frame, masters));
    begin(image);
    return field(frame, masters, clock).reduce(image);
  }

  /**
   * Measures an image that is calibrated already.
   *
   * <p>Pixels that are not finite numbers, or beyond 1e9 electrons, are flagged {@link
   * PixelFlag#NO_DATA}, those without a response {@link PixelFlag#BAD}.
   *
   * @param image left as it is; the result holds one of its own mask
   * @throws ImageRejected with the reason, where the image cannot become stars: "no sky",
   *     "saturated sky", "no stars" or "psf failed"
   * @throws org.starmill.device.DeviceException where the device fails, whatever the image
   */
  public Reduction reduce(Image image) {
    Image usable = withoutUnusableValues(image);
    begin(usable);
    double readVariance = image.readNoise() * image.readNoise();
    return new Field(planes, usable.response(), readVariance, 0, new StepClock(device))
        .reduce(usable);
  }

  /** Makes planes of this size, unless there are. */
  private void planes(int width, int height) {
    if (planes == null || planes.width != width || planes.height != height) {
      // The old ones first: both may not find room.
      planes = null;
      planes = new Planes(width, height);
    }
  }

  /** Copies an image that is to be kept as it is. */
  private void begin(Image image) {
    try (Trace.Open copying = Trace.step("planes")) {
      planes(image.width(), image.height());
      System.arraycopy(image.science(), 0, planes.image, 0, planes.image.length);
      planes.mask = image.mask();
    }
  }

  private Field field(RawFrame frame, Masters masters, StepClock clock) {
    double gain = frame.detector().gain();
    double readNoise = frame.detector().readNoise();
    if (errors == null || !errors.areOf(masters)) {
      try (Trace.Open errorsOfTheMasters = Trace.step("errors of the masters")) {
        errors = MasterErrors.of(masters);
      }
    }
    double biasError = gain * errors.bias();
    float[] response = masters.flat() == null ? null : masters.flat().level();
    return new Field(
        planes, response, readNoise * readNoise + biasError * biasError, errors.flat(), clock);
  }

  /**
   * Typical errors of the masters, kept while images of the same masters follow one another.
   *
   * @param bias median error of the bias, ADU
   * @param flat median relative error of the flat; 0 without one
   */
  private record MasterErrors(Masters masters, double bias, double flat) {
    static MasterErrors of(Masters masters) {
      Master flat = masters.flat();
      return new MasterErrors(
          masters, typical(masters.bias(), false), flat == null ? 0 : typical(flat, true));
    }

    boolean areOf(Masters others) {
      return masters.bias() == others.bias() && masters.flat() == others.flat();
    }
  }

  /** A copy of an image whose mask knows of every value that must not be used. */
  private static Image withoutUnusableValues(Image image) {
    short[] mask = image.mask().clone();
    float[] science = image.science();
    float[] response = image.response();
    for (int i = 0; i < mask.length; i++) {
      if (!(Math.abs(image.science()[i]) <= BEYOND_ALL_IMAGES)) {
        if (science == image.science()) {
          science = image.science().clone();
        }
        science[i] = 0f;
        mask[i] |= PixelFlag.NO_DATA;
      }
      if (response != null
          && !(response[i] > LEAST_RESPONSE && response[i] < Float.POSITIVE_INFINITY)) {
        mask[i] |= PixelFlag.BAD;
      }
    }
    return new Image(
        science,
        image.variance(),
        mask,
        response,
        image.width(),
        image.height(),
        image.readNoise());
  }

  /** Median error of a master, or median relative error, over a sample of its pixels. */
  private static double typical(Master master, boolean relative) {
    int size = master.level().length;
    int step = Math.max(1, size / 20_000);
    double[] sample = new double[size / step + 1];
    int n = 0;
    for (int i = 0; i < size; i += step) {
      if (master.used()[i] > 0 && (!relative || master.level()[i] > 0.2f)) {
        sample[n++] = master.error()[i] / (relative ? master.level()[i] : 1);
      }
    }
    return n == 0 ? 0 : median(Arrays.copyOf(sample, n));
  }

  /** Side of the sky's boxes for stars of this FWHM, pixels: in small ones stars lift the sky. */
  private int skyBox(double fwhm) {
    int wanted = (int) Math.ceil(BOX_FWHM * fwhm / BOX_STEP) * BOX_STEP;
    return Math.max(settings.skyBox(), wanted);
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values.length == 0 ? Double.NaN : values[values.length / 2];
  }

  /** One image on its way: what is known of it so far. */
  private final class Field {
    private final Planes planes;
    private final float[] response;
    private final double readVariance;
    private final double flatError;
    private final StepClock clock;
    private final int width;
    private final int height;
    private Sky sky;
    private Psf psf;
    private PsfFit.Result psfResult;
    private StarList stars = new StarList();
    private int stampRadius;
    private int skyBox;
    private int trailCount;
    private int brightPeaks;

    /** Electrons: what the stars that are not seen add to a flux's error. */
    private double confusion;

    /** FWHM of the filter that found the stars of pass 1. */
    private double searchedWith;

    /** Whether the model holds any stars. */
    private boolean drawn;

    /** Least and greatest x and y of the stars the PSF was fitted to. */
    private double[] psfRange;

    private final NewStars newStars;

    /**
     * @param planes whose image and mask are those of this image
     * @param response null for 1 everywhere
     * @param readVariance electrons squared, before the flat, the bias's error included
     * @param flatError relative
     */
    Field(Planes planes, float[] response, double readVariance, double flatError, StepClock clock) {
      this.planes = planes;
      this.response = response;
      this.readVariance = readVariance;
      this.flatError = flatError;
      this.clock = clock;
      this.width = planes.width;
      this.height = planes.height;
      this.newStars = new NewStars(planes, surroundings, settings.threshold());
    }

    Measurement measure() {
      try {
        goTheWay();
        clock.run("measure", () -> solver.measure(apertures, stars));
        clock.run("measure", () -> StarVerdicts.judge(stars, solver, psf, planes));
        try (Trace.Open telling = Trace.step("results")) {
          return results();
        }
      } finally {
        // Mask and response may be the caller's; and planes of another size must not stay.
        apertures.release();
        solver.release();
        baseVariance.mask = null;
        baseVariance.response = null;
        baseVariance.base = null;
        baseVariance.image = null;
        planes.mask = null;
      }
    }

    Reduction reduce(Image image) {
      Measurement measurement = measure();
      try (Trace.Open telling = Trace.step("results")) {
        return new Reduction(measurement, image, mesh.level(sky), residual(image.mask()));
      }
    }

    private float[] residual(short[] mask) {
      float[] residual = new float[width * height];
      residuals.width = width;
      residuals.image = planes.image;
      residuals.model = planes.model;
      residuals.mask = mask;
      residuals.unusable = PixelFlag.UNUSABLE;
      residuals.residual = residual;
      try {
        device.run(residuals, height);
      } finally {
        residuals.image = null;
        residuals.model = null;
        residuals.mask = null;
        residuals.residual = null;
      }
      return residual;
    }

    private void goTheWay() {
      solver.begin(planes, settings.fitSky(), settings.maxGroup());
      clock.run("sky", this::firstSky);
      clock.run("detect", this::maskDefectiveColumns);
      clock.run("detect", this::guessSeeing);
      if (skyBox(psf.fwhm()) != skyBox) {
        skyBox = skyBox(psf.fwhm());
        clock.run(
            "sky",
            () -> {
              mesh.restore(sky, planes.image);
              measureSky();
            });
      }
      clock.run("detect", () -> maskCosmicRays(true));
      clock.run("detect", () -> find(1));
      clock.run("psf", () -> fitPsf(-1));
      if (differs(psf.fwhm())) {
        // The filter was off by more than a tenth: search again with the PSF found.
        clock.run("detect", () -> find(1));
        clock.run("psf", () -> fitPsf(-1));
      }
      for (int pass = 1; pass < settings.passes(); pass++) {
        clock.run("measure", () -> sweep(SWEEPS, StarSolver.ROUGHLY_STILL));
        if (pass == 1) {
          // Once the stars are known: what hides beside and under them.
          clock.run("detect", () -> maskCosmicRays(false));
        }
        clock.run("measure", this::prune);
        int next = pass + 1;
        if (pass > 1) {
          // After the first pass too many stars are still hidden for it to be worth its time.
          clock.run("sky", this::skyWithoutStars);
        }
        if (pass > 1 && next == settings.passes()) {
          // Companions that have a peak of their own were found in the passes before.
          clock.run("measure", this::splitBlends);
        }
        clock.run("detect", () -> find(next));
        if (pass <= PSF_PASSES) {
          // Once: by then the neighbours of the PSF's stars are known.
          int grid = pass == 1 ? settings.psfResidualOrder() : -1;
          clock.run("psf", () -> fitPsf(grid));
        }
      }
      clock.run("measure", () -> sweep(LAST_SWEEPS, StarSolver.STILL));
      clock.run("measure", this::prune);
      clock.run("measure", () -> sweep(LAST_SWEEPS, StarSolver.STILL));
      clock.run("measure", this::findErrors);
    }

    private boolean differs(double fwhm) {
      return Math.abs(Math.log(fwhm / searchedWith)) > 0.1;
    }

    private void firstSky() {
      skyBox = skyBox(BLIND_FWHM);
      measureSky();
    }

    private void measureSky() {
      double fwhm = psf == null ? BLIND_FWHM : psf.fwhm();
      sky = mesh.measure(planes.image, planes.mask, width, height, skyBox, fwhm);
      if (sky.medianLevel() > settings.skyMaxLevel()) {
        throw new ImageRejected(
            "saturated sky",
            "sky of %.0f electrons a pixel; expected at most %.0f (sky.max-level)"
                .formatted(sky.medianLevel(), settings.skyMaxLevel()));
      }
      takeSky(true);
    }

    /**
     * Makes the variance of the empty sky.
     *
     * @param subtracting whether the sky is to be taken off the image as well
     */
    private void takeSky(boolean subtracting) {
      mesh.draw(sky, planes.base);
      baseVariance.take(planes, planes.mask, PixelFlag.UNUSABLE, response);
      baseVariance.subtracting = subtracting ? 1 : 0;
      baseVariance.readVariance = (float) readVariance;
      baseVariance.least =
          (float)
              Math.max(
                  LEAST_VARIANCE, LEAST_VARIANCE_SHARE * sky.medianNoise() * sky.medianNoise());
      device.run(baseVariance, height);
    }

    /** The FWHM by the stars in some rows; NaN where there are too few, unless it is all rows. */
    private double seeing(int from, int to, Psf blind, double threshold) {
      Peaks peaks =
          filter.find(
              planes.image,
              planes.base,
              planes.model,
              1,
              width,
              from,
              to,
              blind.stampAt(0, 0, 3),
              threshold);
      brightPeaks = peaks.count();
      if (to - from < height && peaks.count() < SEEING_STARS) {
        return Double.NaN;
      }
      return Seeing.fwhm(
          planes.image, planes.base, width, height, peaks.x(), peaks.y(), peaks.brightestFirst());
    }

    private void maskDefectiveColumns() {
      // No star is known yet.
      Arrays.fill(planes.model, 0f);
      if (defectiveColumns.mask(planes.image, planes.base, planes.mask, width, height) > 0) {
        forgetMasked();
      }
    }

    private void guessSeeing() {
      double threshold = Math.max(SEEING_THRESHOLD, settings.threshold());
      Psf blind = Psf.round(PsfModel.GAUSSIAN, width, height, BLIND_FWHM, Double.NaN);
      // A strip in the middle of a large image has stars enough.
      double fwhm = seeing(height / 2 - height / 8, height / 2 + height / 8, blind, threshold);
      if (Double.isNaN(fwhm)) {
        fwhm = seeing(0, height, blind, threshold);
      }
      if (Double.isNaN(fwhm)) {
        throw new ImageRejected(
            "no stars",
            "none of %d peaks above %.0f sigma in %d x %d pixels looks like a star; expected some that fall off smoothly, are not saturated and lie %d pixels or more within the image"
                .formatted(brightPeaks, threshold, width, height, Seeing.REACH));
      }
      setPsf(startingPsf(fwhm));
    }

    /**
     * Masks what cosmic rays have hit, on the image without the stars known so far.
     *
     * @param guessed whether the PSF is not fitted yet
     */
    private void maskCosmicRays(boolean guessed) {
      if (!settings.cosmicRays().find()) {
        return;
      }
      float[] centred = psf.stampAt((width - 1) / 2.0, (height - 1) / 2.0, 1);
      cosmicRays.mask(
          planes.image, planes.base, planes.model, planes.mask, width, height, centred, guessed);
    }

    /** Takes the pixels that were masked since the planes were made out of them. */
    private void forgetMasked() {
      short[] mask = planes.mask;
      for (int i = 0; i < mask.length; i++) {
        if ((mask[i] & PixelFlag.UNUSABLE) != 0) {
          planes.image[i] = 0f;
          planes.base[i] = 0f;
        }
      }
    }

    /** Masks the trails among the peaks of a search; true where there are any. */
    private boolean maskTrails(Peaks peaks) {
      if (!settings.trails()) {
        return false;
      }
      int found =
          trails.mask(planes.image, planes.base, planes.mask, width, height, peaks, psf.fwhm());
      trailCount += found;
      if (found > 0) {
        newStars.forgetSaturated();
        forgetMasked();
      }
      return found > 0;
    }

    private Psf startingPsf(double fwhm) {
      double beta = Double.isNaN(settings.psfBeta()) ? 3 : settings.psfBeta();
      return Psf.round(settings.psfModel(), width, height, fwhm, beta);
    }

    private void setPsf(Psf next) {
      psf = next;
      stampRadius =
          (int)
              Math.max(
                  4, Math.min(MAX_STAMP_RADIUS, Math.ceil(settings.stampRadius() * psf.fwhm())));
      solver.psf(psf, stampRadius);
    }

    /** Searches the residual (in pass 1: the image) and appends what is new to the stars. */
    private void find(int pass) {
      if (pass == 1) {
        if (drawn) {
          Arrays.fill(planes.model, 0f);
        }
        stars = new StarList();
        drawn = false;
        searchedWith = psf.fwhm();
      }
      Peaks peaks = search(pass);
      if (pass == 1 && maskTrails(peaks)) {
        peaks = search(pass);
      }
      if (pass <= STRUCTURE_PASSES) {
        newStars.measureStructure(psf);
      }
      int[] chosen =
          pass == 1
              ? newStars.first(peaks, psf)
              : newStars.further(peaks, stars, solver, psf, psfResult.chi2());
      stars.append(peaks, chosen, pass);
      stars.photons(response, width, height);
      if (pass == 1) {
        solver.noise(modelError(), sky.medianNoise());
        solver.arrange(stars);
      } else {
        addFresh();
      }
    }

    /** Draws the stars that are new on top of those that are drawn. */
    private void addFresh() {
      solver.noise(modelError(), sky.medianNoise());
      solver.arrange(stars);
      int[] fresh = stars.fresh();
      solver.add(stars, fresh, 1f);
      for (int star : fresh) {
        stars.moved[star] = StarList.RESTLESS;
      }
    }

    private Peaks search(int pass) {
      return filter.find(
          planes.image,
          planes.base,
          planes.model,
          1,
          width,
          height,
          newStars.searchPsf(psf),
          pass == 1 ? settings.threshold() : newStars.nearThreshold());
    }

    /** Relative error of flat and PSF in a pixel. */
    private double modelError() {
      return psfResult == null ? flatError : Math.hypot(flatError, psfResult.modelError());
    }

    /** Draws the stars anew after some came or went, or the PSF has changed. */
    private void arrange() {
      solver.noise(modelError(), sky.medianNoise());
      solver.arrange(stars);
      solver.draw(stars);
    }

    /**
     * Fits the PSF to the brightest clean stars.
     *
     * @param residualOrder order of the grid of residuals; -1 to keep the grid there is
     */
    private void fitPsf(int residualOrder) {
      int[] candidates = PsfStarChoice.of(stars, psf, planes, settings.psfMaxStars());
      if (!drawn) {
        // Of all the image these stars alone are looked at now.
        drawn = true;
        solver.add(stars, solver.reaching(stars, candidates), 1f);
      }
      PsfStars chosen =
          new PsfStars(
              Arrays.stream(candidates).map(i -> stars.centreX[i]).toArray(),
              Arrays.stream(candidates).map(i -> stars.centreY[i]).toArray(),
              floats(stars.offsetX, candidates),
              floats(stars.offsetY, candidates),
              floats(stars.flux, candidates),
              floats(stars.photon, candidates));
      psfResult =
          psfFit.fit(
              planes.image,
              planes.model,
              planes.base,
              width,
              height,
              chosen,
              psf,
              settings.psfOrder(),
              residualOrder,
              settings.psfBeta(),
              settings.psfMinStars(),
              stampRadius);
      setPsf(psfResult.psf());
      stars.unsettle();
      psfRange = new double[] {width, -1, height, -1};
      for (int k = 0; k < candidates.length; k++) {
        if (psfResult.used()[k]) {
          double x = stars.x(candidates[k]);
          double y = stars.y(candidates[k]);
          psfRange[0] = Math.min(psfRange[0], x);
          psfRange[1] = Math.max(psfRange[1], x);
          psfRange[2] = Math.min(psfRange[2], y);
          psfRange[3] = Math.max(psfRange[3], y);
        }
      }
      arrange();
    }

    /** Whether the PSF varies over the field and no star near this place says how. */
    private boolean isPsfExtrapolated(double x, double y) {
      double marginX = PSF_MARGIN * width;
      double marginY = PSF_MARGIN * height;
      return psf.varies()
          && (x < psfRange[0] - marginX
              || x > psfRange[1] + marginX
              || y < psfRange[2] - marginY
              || y > psfRange[3] + marginY);
    }

    private static float[] floats(float[] values, int[] chosen) {
      float[] picked = new float[chosen.length];
      for (int i = 0; i < chosen.length; i++) {
        picked[i] = values[chosen[i]];
      }
      return picked;
    }

    private void sweep(int most, float still) {
      if (stars.count() == 0) {
        throw new ImageRejected(
            "no stars",
            "no peak above %.1f sigma (detect.threshold)".formatted(settings.threshold()));
      }
      solver.beginSweeps();
      for (int k = 0; k < most; k++) {
        if (solver.sweep(stars, false, still, k == 0 ? FIRST_DAMPING : 0) == 0) {
          return;
        }
      }
    }

    /** Finds the errors of all stars with the final model. */
    private void findErrors() {
      if (stars.count() > 0) {
        solver.errors(stars);
      }
    }

    /** Takes stars apart that are longer than the PSF in one direction. */
    private void splitBlends() {
      SaturatedPatches patches = newStars.saturated();
      int reach = Math.max(2, (int) Math.ceil(psf.fwhm()));
      if (Blends.split(
          stars, solver, psf, star -> patches.near(stars.x(star), stars.y(star), reach) >= 0)) {
        stars.photons(response, width, height);
        addFresh();
      }
    }

    /** Drops what a fit has shown to be no star, or the same star twice. */
    private void prune() {
      double closest = Blends.CLOSEST * psf.fwhm();
      StarGrid grid = new StarGrid(stars, width, height, Math.max(8, 4 * psf.fwhm()));
      int[] order = stars.byFlux();
      boolean[] dropped = new boolean[stars.count()];
      boolean[] saved = new boolean[stars.count()];
      // From the faintest on. Of two that are not told apart the brighter is left: with the other
      // gone it is as significant as both.
      for (int k = order.length - 1; k >= 0; k--) {
        int star = order[k];
        boolean close = solver.nearest(stars, star) < psf.fwhm();
        boolean real = stars.isFinite(star) && isInside(star);
        double faintest = close ? FAINTEST_COMPANION : FAINTEST;
        boolean significant = saved[star] || stars.flux[star] > faintest * stars.errorFlux[star];
        dropped[star] = !real || !significant;
        if (dropped[star] && real) {
          grid.near(
              stars.x(star), stars.y(star), psf.fwhm(), other -> saved[other] |= !dropped[other]);
        }
      }
      for (int star : order) {
        if (!dropped[star]) {
          grid.near(
              stars.x(star),
              stars.y(star),
              closest,
              other -> dropped[other] |= other != star && stars.flux[other] <= stars.flux[star]);
        }
      }
      for (int star : order) {
        if (dropped[star]) {
          // Its light is its neighbours' from now on.
          grid.near(
              stars.x(star),
              stars.y(star),
              2 * psf.fwhm(),
              other -> stars.moved[other] = StarList.RESTLESS);
        }
      }
      int n = stars.count();
      int[] gone = IntStream.range(0, n).filter(i -> dropped[i]).toArray();
      if (gone.length > 0) {
        solver.add(stars, gone, -1f);
        stars.keep(IntStream.range(0, n).filter(i -> !dropped[i]).toArray());
        solver.arrange(stars);
      }
    }

    private boolean isInside(int star) {
      return stars.x(star) > -1
          && stars.y(star) > -1
          && stars.x(star) < width
          && stars.y(star) < height;
    }

    private void skyWithoutStars() {
      // Where stars are brighter than this their noise and the PSF's error would show.
      float limit = (float) Math.max(0.5 * sky.medianNoise(), faintModel());
      Sky former = sky;
      sky = mesh.refine(former, planes.image, planes.mask, planes.model, limit, skyBox, psf.fwhm());
      mesh.exchange(former, sky, planes.image);
      takeSky(false);
      solver.noise(modelError(), sky.medianNoise());
    }

    /** What the stars' model stays below in the fifth of the good pixels with the least of it. */
    private double faintModel() {
      int step = Math.max(1, planes.model.length / 50_000) | 1;
      float[] sample = new float[planes.model.length / step + 1];
      int n = 0;
      for (int i = 0; i < planes.model.length; i += step) {
        if (planes.base[i] > 0) {
          sample[n++] = planes.model[i];
        }
      }
      Arrays.sort(sample, 0, n);
      return n == 0 ? 0 : sample[Math.min(n - 1, (int) (LEAST_SKY_SHARE * n))];
    }

    private Measurement results() {
      confusion = confusion();
      int n = stars.count();
      if (n == 0) {
        throw new ImageRejected(
            "no stars", "no fit gave a flux above %.0f sigma".formatted(FAINTEST));
      }
      // The variance is not needed any more: its plane takes the sky.
      mesh.draw(sky, planes.base);
      double[] x = new double[n];
      double[] y = new double[n];
      float[] flux = new float[n];
      float[] local = new float[n];
      for (int i = 0; i < n; i++) {
        x[i] = stars.x(i);
        y[i] = stars.y(i);
        flux[i] = withoutPositionBias(stars.flux[i], stars.errorFlux[i]);
        int column = Math.max(0, Math.min(width - 1, stars.centreX[i]));
        int row = Math.max(0, Math.min(height - 1, stars.centreY[i]));
        local[i] = planes.base[row * width + column] + stars.skyOffset[i];
        if (x[i] < -0.5 || y[i] < -0.5 || x[i] > width - 0.5 || y[i] > height - 0.5) {
          stars.flags[i] |= StarFlag.OUTSIDE_FRAME;
        }
        if (isPsfExtrapolated(x[i], y[i])) {
          stars.flags[i] |= StarFlag.PSF_EXTRAPOLATED;
        }
      }
      Stars result =
          new Stars(
              x,
              y,
              stars.errorX,
              stars.errorY,
              flux,
              stars.errorFlux,
              local,
              stars.chi2,
              stars.sharp,
              stars.quality,
              stars.crowding,
              stars.aperFlux,
              stars.aperError,
              stars.flags,
              stars.pass);
      return new Measurement(
          result, psf, summary(result), clock.seconds(), clock.cpuSeconds(), device.name());
    }

    /**
     * What stars that are not seen add to the error of a flux: by as much as the residual's
     * significance is wider than noise, in electrons of a star on empty sky.
     */
    private double confusion() {
      double excess = filter.noise() * filter.noise() - 1;
      return excess > 0 ? Math.sqrt(excess) * fluxError() : 0;
    }

    /** Error of the flux of a faint star, alone on empty sky, electrons. */
    private double fluxError() {
      double square = 0;
      for (float p : psf.stampAt((width - 1) / 2.0, (height - 1) / 2.0, stampRadius)) {
        square += p * p;
      }
      return sky.medianNoise() / Math.sqrt(square);
    }

    private ImageSummary summary(Stars measured) {
      double x = (width - 1) / 2.0;
      double y = (height - 1) / 2.0;
      long saturated = 0;
      long masked = 0;
      long struck = 0;
      for (short bits : planes.mask) {
        // Nearly all pixels have none.
        if (bits != 0) {
          saturated += (bits & PixelFlag.SATURATED) != 0 ? 1 : 0;
          masked += (bits & PixelFlag.UNUSABLE) != 0 ? 1 : 0;
          struck += (bits & PixelFlag.COSMIC_RAY) != 0 ? 1 : 0;
        }
      }
      double pixels = (double) width * height;
      return new ImageSummary(
          sky.medianLevel(),
          sky.medianNoise(),
          psf.model().name().toLowerCase(Locale.ROOT),
          psf.fwhm(),
          psf.ellipticityAt(x, y),
          psf.betaAt(x, y),
          psfResult.stars(),
          psfResult.chi2(),
          psf.coefficients(),
          saturated / pixels,
          masked / pixels,
          5 * fluxError(),
          apertures.summary(measured),
          psfResult.holdOut(),
          struck / pixels,
          trailCount,
          psfResult.modelError(),
          confusion);
    }
  }

  /**
   * Takes the bias off a flux that was fitted together with a position.
   *
   * <p>A fit that may move finds the highest sum of star and noise: chi^2 falls by 2 more on
   * average than at the true place, so that the flux is too high by sigma^2 / F (Portillo, Speagle
   * and Finkbeiner 2020, AJ 159, 165): 4 % at a signal-to-noise of 5, 0.01 % at 100.
   */
  static float withoutPositionBias(float flux, float error) {
    return flux > 2 * error ? flux - error * error / flux : flux;
  }

  /** Lets go of the image planes; the device stays open. */
  @Override
  public void close() {
    planes = null;
    errors = null;
  }
}

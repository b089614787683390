package org.starmill.sample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A CCD camera that gives bias, flat and science frames, and the truth behind them.
 *
 * <p>A frame follows from the settings, its kind and its index alone, in whatever order frames are
 * asked for. The electrons of a pixel are Poisson with the mean (sky + sum of flux * PSF over the
 * pixel) * response + dark current; then cosmic rays, bleeding of what exceeds the full well, read
 * noise, gain, bias and drift, rounding, and the converter's limits 0 and 65535. Safe for threads;
 * holds the response (4 bytes a pixel) and takes about 16 bytes a pixel while a frame is made.
 */
public final class SimulatedCamera {
  private enum Kind {
    BIAS,
    FLAT,
    SCIENCE,
    DITHERED
  }

  /** How far from its axis a trail is drawn, and how dense its points lie, in FWHM. */
  private static final double TRAIL_REACH = 8;

  private static final double TRAIL_STEP = 0.25;

  private final CameraSettings settings;
  private final int quadrant;
  private final long seed;
  private final int width;
  private final int height;
  private final Sensor sensor;
  private final StarShape shape;

  /** A camera with one amplifier. */
  public SimulatedCamera(CameraSettings settings) {
    this(settings, 0);
  }

  /** One quadrant, 1 to 4, of a camera with four amplifiers; 0 for a camera with one. */
  SimulatedCamera(CameraSettings settings, int quadrant) {
    this.settings = settings;
    this.quadrant = quadrant;
    seed = settings.seed() + 0x632BE59BD9B4E019L * quadrant;
    width = settings.chip().width();
    height = settings.chip().height();
    sensor = new Sensor(settings, seed);
    shape = new StarShape(settings, seed);
  }

  /** What the camera was made of. */
  public CameraSettings settings() {
    return settings;
  }

  /** A frame without light. */
  public SimulatedFrame bias(int index) {
    return read(null, Kind.BIAS, index);
  }

  /**
   * A frame of an evenly lit screen, {@link CameraSettings#flatLevel} bright to 3 %, exposed for a
   * tenth of a science frame's time.
   */
  public SimulatedFrame flat(int index) {
    Dice lamp = dice(Purpose.LAMP, Kind.FLAT, index);
    double level =
        settings.flatLevel() * settings.chip().gain() * Math.max(0.5, 1 + 0.03 * lamp.normal());
    double[] electrons = new double[width * height];
    Arrays.fill(electrons, level);
    respond(electrons, flatTime());
    photons(electrons, dice(Purpose.PHOTONS, Kind.FLAT, index));
    bleed(electrons);
    return read(electrons, Kind.FLAT, index);
  }

  /** Exposure time of a flat frame, seconds. */
  public double flatTime() {
    return 0.1 * settings.exposureTime();
  }

  /** A frame of the sky with its stars, and what is true of them. */
  public SimulatedExposure science(int index) {
    return expose(Kind.SCIENCE, index, shape, 0, 0);
  }

  /**
   * A second frame of the field of a science frame: the same stars, in the same order, moved, with
   * other seeing, sky, noise, cosmic rays and satellites.
   *
   * @param index of the science frame
   * @param dither how it differs
   */
  public SimulatedExposure dithered(int index, Dither dither) {
    CameraSettings.Psf psf = settings.psf();
    CameraSettings seen = settings.withPsf(psf.kind(), psf.fwhm() * dither.seeing());
    return expose(
        Kind.DITHERED, index, new StarShape(seen, seed), dither.shiftX(), dither.shiftY());
  }

  private SimulatedExposure expose(
      Kind kind, int index, StarShape seen, double shiftX, double shiftY) {
    StarField stars =
        StarField.of(settings, dice(Purpose.STARS, Kind.SCIENCE, index)).shifted(shiftX, shiftY);
    SkyPlane sky = sky(kind, index);
    double[] electrons = new double[width * height];
    double[] fluxBound = drawWithBounds(electrons, stars, painter(seen), sky);
    List<Trail> trails = trails(sky.level, seen, dice(Purpose.TRAILS, kind, index));
    for (Trail trail : trails) {
      draw(electrons, trail, seen);
    }
    addSky(electrons, sky);
    respond(electrons, settings.exposureTime());
    photons(electrons, dice(Purpose.PHOTONS, kind, index));
    CosmicRayHits rays = cosmicRays(electrons, dice(Purpose.COSMIC_RAYS, kind, index));
    bleed(electrons);
    Pointing pointing = Pointing.of(settings, index, quadrant);
    StarTruth truth = truth(pointing, stars, seen, shiftX, shiftY, fluxBound, electrons);
    return new SimulatedExposure(read(electrons, kind, index), truth, sky.level, rays, trails);
  }

  /**
   * Stars on a black image, without noise or response.
   *
   * @param width of the image, pixels
   * @param height of the image, pixels
   * @param x columns of the centres; the PSF is that of this camera at (x, y)
   * @param y rows of the centres
   * @param flux electrons, total to infinity
   * @return electrons, row-major, each star right to 1e-5 of its flux
   */
  public double[] drawStars(int width, int height, double[] x, double[] y, double[] flux) {
    if (x.length != y.length || x.length != flux.length) {
      throw new IllegalArgumentException(
          "%d x, %d y and %d fluxes: expected as many of each"
              .formatted(x.length, y.length, flux.length));
    }
    double[] image = new double[width * height];
    StarPainter painter = painter();
    for (int i = 0; i < x.length; i++) {
      painter.draw(width, height, x[i], y[i], flux[i]);
      painter.addTo(image, width, flux[i]);
    }
    return image;
  }

  /**
   * The mean electrons of a science frame's pixels with the stars given: (sky + stars) * response +
   * dark current, without noise, cosmic rays or saturation.
   *
   * @param index of the science frame whose sky it is
   * @return row-major, without overscan
   */
  public double[] expected(int index, double[] x, double[] y, double[] flux) {
    double[] electrons = drawStars(width, height, x, y, flux);
    addSky(electrons, sky(Kind.SCIENCE, index));
    respond(electrons, settings.exposureTime());
    return electrons;
  }

  /**
   * How well each star of a science frame can be measured at best, its neighbours fitted with it.
   *
   * @param index of the science frame whose sky it is
   * @param stars of that frame
   */
  public StarBounds jointBounds(int index, StarTruth stars) {
    double[] weight = expected(index, stars.x(), stars.y(), stars.flux());
    boolean[] good = sensor.goodPixels();
    float[] response = sensor.response();
    double readVariance = settings.chip().readNoise() * settings.chip().readNoise();
    for (int i = 0; i < weight.length; i++) {
      double flat = response[i];
      weight[i] = good[i] ? flat * flat / (weight[i] + readVariance) : 0;
    }
    return new JointBounds(stars, painter(), weight, width, height).compute();
  }

  /** Share of a star's flux in the pixel that its centre lies on. */
  public double peakShareAt(double x, double y) {
    double[] share = new double[1];
    painter().window(x, y, (int) Math.round(x), (int) Math.round(y), 1, share);
    return share[0];
  }

  /** FWHM of the PSF at a position, geometric mean of both axes, pixels. */
  public double psfFwhmAt(double x, double y) {
    return shape.fwhmAt(x, y);
  }

  /** Ellipticity of the PSF at a position: 1 - minor / major axis. */
  public double psfEllipticityAt(double x, double y) {
    double[] e = shape.ellipticityAt(x, y);
    return 1 - Math.exp(-Math.hypot(e[0], e[1]));
  }

  /** Response of the pixels to light, row-major, median 1 over the good ones. */
  public float[] flatTruth() {
    return sensor.response().clone();
  }

  /** Mean of an endless number of bias frames less that of their overscan, row-major, ADU. */
  public float[] biasTruth() {
    float[] pattern = new float[width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        pattern[y * width + x] = (float) sensor.biasAt(x, y);
      }
    }
    return pattern;
  }

  /** Sky of a science frame at response 1, row-major, electrons. */
  public float[] skyTruth(int index) {
    SkyPlane sky = sky(Kind.SCIENCE, index);
    float[] level = new float[width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        level[y * width + x] = (float) sky.at(x, y);
      }
    }
    return level;
  }

  /** Which pixels answer with more than half of the usual response and have no dark current. */
  public boolean[] goodPixels() {
    return sensor.goodPixels();
  }

  /** Right ascension and declination, degrees ICRS, of a position in a science frame. */
  public double[] skyPosition(int index, double x, double y) {
    return Pointing.of(settings, index, quadrant).sky(x, y);
  }

  private Dice dice(Purpose purpose, Kind kind, int index) {
    return new Dice(seed, purpose.ordinal(), kind.ordinal(), index);
  }

  private StarPainter painter() {
    return painter(shape);
  }

  private StarPainter painter(StarShape seen) {
    CameraSettings.Sky sky = settings.sky();
    double gain = settings.chip().gain();
    double noise =
        Math.sqrt(
            0.5 * (sky.darkest() + sky.brightest()) * gain
                + settings.chip().readNoise() * settings.chip().readNoise());
    return new StarPainter(seen, 0.02 * Math.max(1, noise));
  }

  /** The sky of one frame: a plane and a saddle over the field, electrons. */
  private final class SkyPlane {
    private final double level;
    private final double alongX;
    private final double alongY;
    private final double across;

    private SkyPlane(double level, double alongX, double alongY, double across) {
      this.level = level;
      this.alongX = alongX;
      this.alongY = alongY;
      this.across = across;
    }

    private double at(double x, double y) {
      double u = (2 * x + 1) / width - 1;
      double v = (2 * y + 1) / height - 1;
      return level * (1 + alongX * u + alongY * v + across * u * v);
    }
  }

  private SkyPlane sky(Kind kind, int index) {
    Dice dice = dice(Purpose.SKY, kind, index);
    CameraSettings.Sky sky = settings.sky();
    double level = dice.uniform(sky.darkest(), sky.brightest()) * settings.chip().gain();
    double direction = dice.uniform(0, 2 * Math.PI);
    return new SkyPlane(
        level,
        0.5 * sky.gradient() * Math.cos(direction),
        0.5 * sky.gradient() * Math.sin(direction),
        0.1 * sky.gradient());
  }

  private void addSky(double[] electrons, SkyPlane sky) {
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        electrons[y * width + x] += sky.at(x, y);
      }
    }
  }

  private double[] drawWithBounds(
      double[] electrons, StarField stars, StarPainter painter, SkyPlane sky) {
    boolean[] good = sensor.goodPixels();
    float[] response = sensor.response();
    double readVariance = settings.chip().readNoise() * settings.chip().readNoise();
    double[] bound = new double[stars.x().length];
    for (int i = 0; i < bound.length; i++) {
      double flux = stars.flux()[i];
      double level = sky.at(stars.x()[i], stars.y()[i]);
      painter.draw(width, height, stars.x()[i], stars.y()[i], flux);
      painter.addTo(electrons, width, flux);
      double information = 0;
      for (int row = 0; row < painter.rows(); row++) {
        for (int column = 0; column < painter.columns(); column++) {
          double share = painter.share(column, row);
          int pixel = (painter.bottom() + row) * width + painter.left() + column;
          if (share > 1e-6 && good[pixel]) {
            double flat = response[pixel];
            double variance = (level + flux * share + readVariance / flat) / flat;
            information += share * share / variance;
          }
        }
      }
      bound[i] = 1 / Math.sqrt(information);
    }
    return bound;
  }

  /** Light into electrons, in place: times the response, plus the dark current. */
  private void respond(double[] electrons, double seconds) {
    float[] response = sensor.response();
    for (int i = 0; i < electrons.length; i++) {
      electrons[i] *= response[i];
    }
    int[] pixel = sensor.darkPixel();
    float[] rate = sensor.darkRate();
    for (int i = 0; i < pixel.length; i++) {
      electrons[pixel[i]] += rate[i] * seconds;
    }
  }

  private static void photons(double[] electrons, Dice dice) {
    for (int i = 0; i < electrons.length; i++) {
      electrons[i] = dice.poisson(electrons[i]);
    }
  }

  /** Points and tracks of charge, sharper than any star. */
  private CosmicRayHits cosmicRays(double[] electrons, Dice dice) {
    SortedMap<Integer, Double> hits = new TreeMap<>();
    for (int ray = 0; ray < settings.sky().cosmicRays(); ray++) {
      double x = dice.uniform(0, width);
      double y = dice.uniform(0, height);
      double angle = dice.uniform(0, 2 * Math.PI);
      double length = dice.uniform() < 0.4 ? 0 : Math.min(120, dice.exponential(12));
      double charge = 1000 + dice.exponential(2500) + length * (600 + dice.exponential(600));
      int steps = 1 + (int) (5 * length);
      for (int step = 0; step < steps; step++) {
        double along = length * step / steps;
        int column = (int) Math.floor(x + along * Math.cos(angle));
        int row = (int) Math.floor(y + along * Math.sin(angle));
        if (column >= 0 && column < width && row >= 0 && row < height) {
          electrons[row * width + column] += Math.rint(charge / steps);
          hits.merge(row * width + column, Math.rint(charge / steps), Double::sum);
        }
      }
    }
    int[] pixel = new int[hits.size()];
    float[] left = new float[hits.size()];
    int count = 0;
    for (Map.Entry<Integer, Double> hit : hits.entrySet()) {
      pixel[count] = hit.getKey();
      left[count++] = hit.getValue().floatValue();
    }
    return new CosmicRayHits(pixel, left);
  }

  /**
   * The satellites of a frame: through a place on it at any angle. Every third ends there, the
   * others cross the frame; the brightness of the axis, its logarithm uniform, runs from three
   * standard deviations of the sky's noise to a fifth above the full well.
   */
  private List<Trail> trails(double skyLevel, StarShape seen, Dice dice) {
    CameraSettings.Chip chip = settings.chip();
    double beyond = 2.0 * (width + height);
    double faintest = 3 * Math.sqrt(skyLevel + chip.readNoise() * chip.readNoise());
    double brightest = 1.2 * chip.fullWell();
    List<Trail> trails = new ArrayList<>();
    for (int i = 0; i < settings.sky().trails(); i++) {
      double x = dice.uniform(0.1 * width, 0.9 * width);
      double y = dice.uniform(0.1 * height, 0.9 * height);
      double angle = dice.uniform(0, 2 * Math.PI);
      double axis = faintest * Math.pow(Math.max(1, brightest / faintest), dice.uniform());
      double ahead = i % 3 == 2 ? 0 : beyond;
      trails.add(
          new Trail(
              x - beyond * Math.cos(angle),
              y - beyond * Math.sin(angle),
              x + ahead * Math.cos(angle),
              y + ahead * Math.sin(angle),
              axis / axisShare(seen, x, y)));
    }
    return trails;
  }

  /** Share of a star's light in the row of pixels through its centre: that of a trail's axis. */
  private double axisShare(StarShape seen, double x, double y) {
    int reach = (int) Math.ceil(TRAIL_REACH * seen.fwhmAt(x, y));
    int side = 2 * reach + 1;
    double[] share = new double[side * side];
    painter(seen)
        .window(x, y, (int) Math.round(x) - reach, (int) Math.round(y) - reach, side, share);
    double total = 0;
    for (int column = 0; column < side; column++) {
      total += share[reach * side + column];
    }
    return total;
  }

  /** A trail is a star that was moved while it shone: many stars on a line. */
  private void draw(double[] electrons, Trail trail, StarShape seen) {
    StarPainter painter = painter(seen);
    int reach = (int) Math.ceil(TRAIL_REACH * seen.fwhmAt(0.5 * width, 0.5 * height));
    int side = 2 * reach + 1;
    double[] share = new double[side * side];
    int steps = (int) Math.ceil(trail.length() / (TRAIL_STEP * settings.psf().fwhm()));
    double flux = trail.perPixel() * trail.length() / steps;
    for (int step = 0; step < steps; step++) {
      double t = (step + 0.5) / steps;
      double x = trail.fromX() + t * (trail.toX() - trail.fromX());
      double y = trail.fromY() + t * (trail.toY() - trail.fromY());
      if (x > -reach && y > -reach && x < width + reach && y < height + reach) {
        int left = (int) Math.round(x) - reach;
        int bottom = (int) Math.round(y) - reach;
        painter.window(x, y, left, bottom, side, share);
        for (int v = Math.max(0, -bottom); v < Math.min(side, height - bottom); v++) {
          for (int u = Math.max(0, -left); u < Math.min(side, width - left); u++) {
            electrons[(bottom + v) * width + left + u] += flux * share[v * side + u];
          }
        }
      }
    }
  }

  /** Charge above the full well runs along the column, half up and half down, until it fits. */
  private void bleed(double[] electrons) {
    double full = settings.chip().fullWell();
    // Pixels still to come may hold too much as well: they have no room and spill in their turn.
    for (int i = 0; i < electrons.length; i++) {
      if (electrons[i] > full) {
        double excess = electrons[i] - full;
        electrons[i] = full;
        spill(electrons, i + width, width, 0.5 * excess, full);
        spill(electrons, i - width, -width, 0.5 * excess, full);
      }
    }
  }

  private static void spill(double[] electrons, int from, int step, double charge, double full) {
    for (int i = from; charge > 0 && i >= 0 && i < electrons.length; i += step) {
      double room = full - electrons[i];
      if (room > 0) {
        double taken = Math.min(room, charge);
        electrons[i] += taken;
        charge -= taken;
      }
    }
  }

  private SimulatedFrame read(double[] electrons, Kind kind, int index) {
    CameraSettings.Chip chip = settings.chip();
    int columns = width + chip.overscan();
    float[] adu = new float[columns * height];
    double[] drift = drift(kind, index);
    Dice dice = dice(Purpose.READ_NOISE, kind, index);
    double perElectron = 1 / chip.gain();
    for (int y = 0; y < height; y++) {
      double level = settings.bias().level() + drift[y];
      for (int x = 0; x < columns; x++) {
        boolean light = x < width;
        double charge = light && electrons != null ? electrons[y * width + x] : 0;
        double pattern = light ? sensor.biasAt(x, y) : 0;
        double value = (charge + chip.readNoise() * dice.normal()) * perElectron + level + pattern;
        adu[y * columns + x] = (float) Math.max(0, Math.min(65_535, Math.rint(value)));
      }
    }
    return new SimulatedFrame(adu, width, height, chip.overscan());
  }

  /** Offset of each row against the bias level: a level of the frame and three slow waves, ADU. */
  private double[] drift(Kind kind, int index) {
    Dice dice = dice(Purpose.DRIFT, kind, index);
    double amplitude = settings.bias().rowDrift();
    double[] drift = new double[height];
    Arrays.fill(drift, amplitude * dice.normal());
    for (int wave = 1; wave <= 3; wave++) {
      double strength = amplitude * dice.normal() / wave;
      double phase = dice.uniform(0, 2 * Math.PI);
      double turns = wave * dice.uniform(0.4, 0.9);
      for (int y = 0; y < height; y++) {
        drift[y] += strength * Math.sin(2 * Math.PI * turns * y / height + phase);
      }
    }
    return drift;
  }

  private StarTruth truth(
      Pointing pointing,
      StarField stars,
      StarShape seen,
      double shiftX,
      double shiftY,
      double[] fluxBound,
      double[] electrons) {
    int count = stars.x().length;
    double[] ra = new double[count];
    double[] dec = new double[count];
    double[] fwhm = new double[count];
    boolean[] inside = new boolean[count];
    boolean[] saturated = new boolean[count];
    for (int i = 0; i < count; i++) {
      double x = stars.x()[i];
      double y = stars.y()[i];
      // The stars stay where they are on the sky.
      double[] position = pointing.sky(x - shiftX, y - shiftY);
      ra[i] = position[0];
      dec[i] = position[1];
      fwhm[i] = seen.fwhmAt(x, y);
      inside[i] = x >= -0.5 && x < width - 0.5 && y >= -0.5 && y < height - 0.5;
      saturated[i] = full(electrons, x, y, 1.5 * fwhm[i]);
    }
    return new StarTruth(
        stars.x(),
        stars.y(),
        ra,
        dec,
        stars.flux(),
        stars.mag(),
        fluxBound,
        fwhm,
        inside,
        saturated,
        stars.neighbourDistances(100));
  }

  private boolean full(double[] electrons, double x, double y, double radius) {
    double limit = 0.999 * settings.chip().fullWell();
    int fromY = (int) Math.max(0, Math.ceil(y - radius));
    int toY = (int) Math.min(height - 1, Math.floor(y + radius));
    int fromX = (int) Math.max(0, Math.ceil(x - radius));
    int toX = (int) Math.min(width - 1, Math.floor(x + radius));
    for (int row = fromY; row <= toY; row++) {
      for (int column = fromX; column <= toX; column++) {
        if (electrons[row * width + column] >= limit && Math.hypot(column - x, row - y) <= radius) {
          return true;
        }
      }
    }
    return false;
  }
}

package org.starmill.measure;

import org.starmill.psf.PsfModel;

/** Reduction settings that differ from the default ones in what is named. */
final class Settings {
  private static final ReductionSettings DEFAULT = ReductionSettings.DEFAULT;

  private int skyBox = DEFAULT.skyBox();
  private int skyFilter = DEFAULT.skyFilter();
  private double threshold = DEFAULT.threshold();
  private PsfModel psfModel = DEFAULT.psfModel();
  private double psfBeta = DEFAULT.psfBeta();
  private int psfOrder = DEFAULT.psfOrder();
  private int psfResidualOrder = DEFAULT.psfResidualOrder();
  private int psfMinStars = DEFAULT.psfMinStars();
  private int psfMaxStars = DEFAULT.psfMaxStars();
  private double stampRadius = DEFAULT.stampRadius();
  private boolean fitSky = DEFAULT.fitSky();
  private int passes = DEFAULT.passes();
  private int maxGroup = DEFAULT.maxGroup();
  private int edge = DEFAULT.edge();
  private CosmicRaySettings cosmicRays = DEFAULT.cosmicRays();
  private boolean trails = DEFAULT.trails();
  private ApertureSettings apertures = DEFAULT.apertures();

  static ReductionSettings with(PsfModel model) {
    return new Settings().psfModel(model).made();
  }

  static ReductionSettings withFreeSky() {
    return new Settings().fitSky(true).made();
  }

  Settings skyBox(int pixels) {
    skyBox = pixels;
    return this;
  }

  Settings skyFilter(int boxes) {
    skyFilter = boxes;
    return this;
  }

  Settings threshold(double sigma) {
    threshold = sigma;
    return this;
  }

  Settings psfModel(PsfModel model) {
    psfModel = model;
    return this;
  }

  Settings psfBeta(double beta) {
    psfBeta = beta;
    return this;
  }

  Settings psfOrder(int order) {
    psfOrder = order;
    return this;
  }

  Settings psfResidualOrder(int order) {
    psfResidualOrder = order;
    return this;
  }

  Settings psfMinStars(int stars) {
    psfMinStars = stars;
    return this;
  }

  Settings psfMaxStars(int stars) {
    psfMaxStars = stars;
    return this;
  }

  Settings stampRadius(double fwhms) {
    stampRadius = fwhms;
    return this;
  }

  Settings fitSky(boolean free) {
    fitSky = free;
    return this;
  }

  Settings passes(int count) {
    passes = count;
    return this;
  }

  Settings maxGroup(int neighbours) {
    maxGroup = neighbours;
    return this;
  }

  Settings edge(int pixels) {
    edge = pixels;
    return this;
  }

  Settings cosmicRays(CosmicRaySettings finding) {
    cosmicRays = finding;
    return this;
  }

  Settings withoutCosmicRays() {
    return cosmicRays(new CosmicRaySettings(false, 4.5, 2));
  }

  Settings trails(boolean looked) {
    trails = looked;
    return this;
  }

  Settings apertures(ApertureSettings circles) {
    apertures = circles;
    return this;
  }

  ReductionSettings made() {
    return new ReductionSettings(
        skyBox,
        skyFilter,
        DEFAULT.skyMaxLevel(),
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

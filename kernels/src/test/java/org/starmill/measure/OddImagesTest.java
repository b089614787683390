package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.Image;
import org.starmill.image.ImageRejected;
import org.starmill.image.PixelFlag;
import org.starmill.psf.PsfModel;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import org.starmill.sample.SimulatedCamera;

/** Whatever an image holds, it ends as a catalog of finite numbers or is rejected with a reason. */
class OddImagesTest {
  private static final double READ_NOISE = 10;

  private final Device device = Devices.java(2);

  @AfterEach
  void close() {
    device.close();
  }

  /** An image of Moffat stars on a regular grid, with photon and read noise. */
  private static final class Grid {
    int width = 260;
    int height = 240;
    int columns = 6;
    double fwhm = 2.2;
    double sky = 900;
    double readNoise = READ_NOISE;
    double flux = 60_000;
    float[] response;
    Consumer<Image> damage = image -> {};

    double x(int star) {
      return (star % columns + 0.5) * width / columns + 0.3 * (star % 3) - 0.4;
    }

    double y(int star) {
      return (star / columns + 0.5) * height / columns + 0.3 * (star % 4) - 0.4;
    }

    int stars() {
      return columns * columns;
    }

    Image image() {
      double[] x = new double[stars()];
      double[] y = new double[stars()];
      double[] fluxes = new double[stars()];
      for (int i = 0; i < stars(); i++) {
        x[i] = x(i);
        y[i] = y(i);
        fluxes[i] = flux / (1 + i % 5);
      }
      double[] light =
          new SimulatedCamera(
                  CameraSettings.ztfLike()
                      .withSize(Math.max(16, width), Math.max(16, height))
                      .withConstantPsf(PsfKind.MOFFAT, fwhm))
              .drawStars(width, height, x, y, fluxes);
      Random random = new Random(31);
      float[] science = new float[width * height];
      float[] variance = new float[science.length];
      for (int i = 0; i < science.length; i++) {
        variance[i] = (float) (Math.max(0, sky + light[i]) + readNoise * readNoise);
        science[i] = (float) (sky + light[i] + Math.sqrt(variance[i]) * random.nextGaussian());
      }
      Image image =
          new Image(
              science, variance, new short[science.length], response, width, height, readNoise);
      damage.accept(image);
      return image;
    }
  }

  private static Grid grid(Consumer<Grid> change) {
    Grid grid = new Grid();
    change.accept(grid);
    return grid;
  }

  private static Grid damaged(Consumer<Image> damage) {
    return grid(grid -> grid.damage = damage);
  }

  private static void every(Image image, int step, float value) {
    for (int i = 0; i < image.science().length; i += step) {
      image.science()[i] = value;
    }
  }

  static Stream<Arguments> images() {
    float nan = Float.NaN;
    float infinite = Float.POSITIVE_INFINITY;
    return Stream.of(
        Arguments.of("as it should be", grid(g -> {}), ""),
        Arguments.of("20 x 20 pixels", grid(g -> g.width = g.height = 20), "no stars"),
        Arguments.of(
            "5 x 3000 pixels",
            grid(
                g -> {
                  g.width = 5;
                  g.height = 3000;
                }),
            "no stars"),
        Arguments.of("1 x 1 pixel", grid(g -> g.width = g.height = 1), "no stars"),
        Arguments.of("2 x 300 pixels", grid(g -> g.width = 2), "no stars"),
        Arguments.of("a few NaN", damaged(image -> every(image, 97, nan)), ""),
        Arguments.of("a few infinite", damaged(image -> every(image, 997, infinite)), ""),
        Arguments.of("a few of -1e20", damaged(image -> every(image, 997, -1e20f)), ""),
        Arguments.of("a few of 1e30", damaged(image -> every(image, 997, 1e30f)), ""),
        Arguments.of("nothing but NaN", damaged(image -> every(image, 1, nan)), "no sky"),
        Arguments.of("nothing but 0", damaged(image -> every(image, 1, 0)), "no stars"),
        Arguments.of("nothing but 7", damaged(image -> every(image, 1, 7)), "no stars"),
        Arguments.of("nothing but 1e30", damaged(image -> every(image, 1, 1e30f)), "no sky"),
        Arguments.of(
            "all bad",
            damaged(image -> Arrays.fill(image.mask(), (short) PixelFlag.BAD)),
            "no sky"),
        Arguments.of(
            "all saturated",
            damaged(image -> Arrays.fill(image.mask(), (short) PixelFlag.SATURATED)),
            "no sky"),
        Arguments.of(
            "every other column bad",
            damaged(
                image -> {
                  for (int i = 0; i < image.mask().length; i += 2) {
                    image.mask()[i] = PixelFlag.BAD;
                  }
                }),
            "no stars"),
        Arguments.of("a sky of 0", grid(g -> g.sky = 0), ""),
        Arguments.of("a sky below 0", grid(g -> g.sky = -300), ""),
        Arguments.of(
            "no sky and no read noise",
            grid(
                g -> {
                  g.sky = 0;
                  g.readNoise = 0;
                }),
            ""),
        Arguments.of(
            "stars of 14 pixels",
            grid(
                g -> {
                  g.width = g.height = 390;
                  g.columns = 3;
                  g.fwhm = 14;
                  g.flux = 3e6;
                }),
            ""),
        Arguments.of("stars of 1 pixel", grid(g -> g.fwhm = 1), ""),
        Arguments.of("stars of 1e9 electrons", grid(g -> g.flux = 1e9), ""),
        Arguments.of("one star", grid(g -> g.columns = 1), "psf failed"),
        Arguments.of("four stars", grid(g -> g.columns = 2), "psf failed"),
        Arguments.of("a flat of 0 here and there", grid(g -> g.response = flat(g, 0)), ""),
        Arguments.of("a flat of NaN here and there", grid(g -> g.response = flat(g, nan)), ""));
  }

  private static float[] flat(Grid grid, float hole) {
    float[] response = new float[grid.width * grid.height];
    Arrays.fill(response, 1f);
    for (int i = 0; i < response.length; i += 37) {
      response[i] = hole;
    }
    return response;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("images")
  void anImageGivesFiniteStarsOrAReason(String name, Grid grid, String reason) {
    Image image = grid.image();
    try (ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      Reduction reduction;
      try {
        reduction = reducer.reduce(image);
      } catch (ImageRejected rejected) {
        assertThat(rejected.reason()).isEqualTo(reason);
        return;
      }
      assertThat(reason).isEmpty();
      demandFinite(reduction);
      assertThat(found(reduction.stars(), grid)).isGreaterThanOrEqualTo(grid.stars() * 9 / 10);
      assertThat(reduction.stars().count()).isLessThan(60);
    }
  }

  @Test
  void anImageIsLeftAsItIs() {
    Image image = damaged(one -> every(one, 997, Float.NaN)).image();
    image.science()[120 * 260 + 100] = 40_000;
    float[] science = image.science().clone();
    try (ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      Reduction first = reducer.reduce(image);
      assertThat(image.mask()).containsOnly(0);
      assertThat(image.science()).isEqualTo(science);
      assertThat((int) first.image().mask()[997]).isEqualTo(PixelFlag.NO_DATA);
      assertThat((int) first.image().mask()[120 * 260 + 100]).isEqualTo(PixelFlag.COSMIC_RAY);
      assertThat(reducer.reduce(image).stars().flux()).isEqualTo(first.stars().flux());
    }
  }

  @Test
  void anImageThatIsRejectedLeavesNothingToTheNext() {
    Image good = new Grid().image();
    try (ImageReducer fresh = new ImageReducer(device, ReductionSettings.DEFAULT);
        ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      float[] expected = fresh.reduce(good).stars().flux();
      for (Grid bad : new Grid[] {grid(g -> g.columns = 2), damaged(i -> every(i, 1, Float.NaN))}) {
        assertThatThrownBy(() -> reducer.reduce(bad.image())).isInstanceOf(ImageRejected.class);
        assertThat(reducer.reduce(good).stars().flux()).isEqualTo(expected);
      }
    }
  }

  static Stream<Arguments> settings() {
    return Stream.of(
        Arguments.of("one pass", new Settings().passes(1)),
        Arguments.of("six passes", new Settings().passes(6)),
        Arguments.of("beta held right", new Settings().psfBeta(3)),
        Arguments.of("beta held wrong", new Settings().psfBeta(2.2)),
        Arguments.of("a Gaussian", new Settings().psfModel(PsfModel.GAUSSIAN)),
        Arguments.of("orders above what the stars carry", new Settings().psfOrder(6)),
        Arguments.of("a free sky", new Settings().fitSky(true)),
        Arguments.of("small stamps", new Settings().stampRadius(1)),
        Arguments.of("large stamps", new Settings().stampRadius(50)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("settings")
  void anySettingsGiveFiniteStars(String name, Settings settings) {
    Grid grid = new Grid();
    try (ImageReducer reducer = new ImageReducer(device, settings.made())) {
      Reduction reduction = reducer.reduce(grid.image());
      demandFinite(reduction);
      assertThat(found(reduction.stars(), grid)).isGreaterThanOrEqualTo(grid.stars() * 9 / 10);
    }
  }

  @Test
  void threeStarsCarryAPsfWhereTheyMay() {
    Grid grid = grid(g -> g.columns = 2);
    try (ImageReducer reducer = new ImageReducer(device, new Settings().psfMinStars(3).made())) {
      Reduction reduction = reducer.reduce(grid.image());
      demandFinite(reduction);
      assertThat(reduction.summary().psfFwhm()).isCloseTo(grid.fwhm, within(0.1));
      assertThat(found(reduction.stars(), grid)).isEqualTo(4);
    }
  }

  @Test
  void whatIsWiderThanThePsfHasAPositiveSharpAndWhatIsNarrowerANegativeOne() {
    Grid wide = grid(g -> g.fwhm = 3);
    Grid narrow = grid(g -> g.fwhm = 1.6);
    Image image = new Grid().image();
    // One object of each kind takes the place of a star.
    replace(image, wide.image(), 7, wide);
    replace(image, narrow.image(), 14, narrow);
    try (ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      Stars stars = reducer.reduce(image).stars();
      assertThat(DrawnScene.within(stars, wide.x(7), wide.y(7), 9)).hasSize(1);
      assertThat(stars.sharp()[nearest(stars, wide.x(7), wide.y(7))]).isGreaterThan(0.03f);
      assertThat(stars.sharp()[nearest(stars, wide.x(14), wide.y(14))]).isLessThan(-0.03f);
    }
  }

  /** Galaxies of more than twice the PSF's width fall into sources, as knots of stars do. */
  @Test
  void aGalaxyNotMuchWiderThanThePsfIsOneSourceAndIsFlagged() {
    for (double fwhm : new double[] {2.8, 3.5}) {
      Grid wide = grid(g -> g.fwhm = fwhm);
      Image image = new Grid().image();
      for (int star : new int[] {7, 15, 20, 26}) {
        replace(image, wide.image(), star, wide);
      }
      try (ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
        Stars stars = reducer.reduce(image).stars();
        for (int star : new int[] {7, 15, 20, 26}) {
          int[] near = DrawnScene.within(stars, wide.x(star), wide.y(star), 8);
          assertThat(near).as("sources of a galaxy of FWHM %s", fwhm).hasSize(1);
          assertThat(stars.sharp()[near[0]]).isGreaterThan(0.1f);
          assertThat(stars.flags()[near[0]] & StarFlag.POOR_FIT).isNotZero();
        }
      }
    }
  }

  /** Densest where nothing can be told apart: the work ends, and what was left out is told. */
  @Test
  void aKnotOfSixtyStarsEndsWithFlags() {
    Random random = new Random(33);
    double[] x = new double[96];
    double[] y = new double[96];
    double[] flux = new double[96];
    for (int i = 0; i < 36; i++) {
      x[i] = 45 * (i % 6) + 25 + random.nextDouble();
      y[i] = 45 * (i / 6) + 25 + random.nextDouble();
      flux[i] = 30_000 * (1 + random.nextInt(4));
    }
    for (int i = 36; i < 96; i++) {
      double r = 10 * Math.sqrt(random.nextDouble());
      double angle = 2 * Math.PI * random.nextDouble();
      x[i] = 137 + r * Math.cos(angle);
      y[i] = 137 + r * Math.sin(angle);
      flux[i] = 20_000 * (1 + random.nextInt(5));
    }
    DrawnScene scene = new DrawnScene(275, 275, 1000, 2.2, x, y, flux);
    Settings few = new Settings().maxGroup(6);
    try (ImageReducer reducer = new ImageReducer(device, few.made())) {
      Reduction reduction = reducer.reduce(scene.image(34));
      demandFinite(reduction);
      Stars stars = reduction.stars();
      int[] knot = DrawnScene.within(stars, 137, 137, 13);
      int limited = 0;
      double light = 0;
      double truth = Arrays.stream(flux, 36, 96).sum();
      for (int k : knot) {
        limited += (stars.flags()[k] & StarFlag.WORK_LIMIT) != 0 ? 1 : 0;
        light += stars.flux()[k];
      }
      assertThat(knot.length).isBetween(15, 75);
      assertThat(limited).isGreaterThan(knot.length / 2);
      assertThat(light).isBetween(0.9 * truth, 1.1 * truth);
    }
  }

  @Test
  void aStarOnADeadColumnIsMeasuredWithALargerErrorAndSaysSo() {
    double star = DrawnScene.fluxOf(50, 1000, 2.2);
    DrawnScene scene = StarSolverTest.grid(16, 30, 1000, 2.2, star, 35);
    Image image = scene.image(36);
    // Through the core of every star of every other column of the grid, but not of its neighbours.
    for (int i = 0; i < scene.count(); i += 2) {
      int column = (int) Math.round(scene.x[i]);
      for (int row = -12; row <= 12; row++) {
        int y = (int) Math.round(scene.y[i]) + row;
        image.mask()[y * scene.width + column] = PixelFlag.BAD;
        image.science()[y * scene.width + column] = 0;
      }
    }
    try (ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      Stars stars = reducer.reduce(image).stars();
      double[] pulls = new double[scene.count() / 2];
      double[] errors = new double[scene.count() / 2];
      double[] whole = new double[scene.count() / 2];
      for (int i = 0; i < scene.count(); i++) {
        int[] near = DrawnScene.within(stars, scene.x[i], scene.y[i], 0.7);
        assertThat(near).as("star at %.1f %.1f", scene.x[i], scene.y[i]).hasSize(1);
        int k = near[0];
        if (i % 2 == 0) {
          assertThat(stars.quality()[k]).isLessThan(0.8f);
          assertThat(stars.flags()[k] & PixelFlag.BAD).isNotZero();
          pulls[i / 2] = (stars.flux()[k] - star) / stars.fluxErr()[k];
          errors[i / 2] = stars.fluxErr()[k];
        } else {
          assertThat(stars.quality()[k]).isGreaterThan(0.99f);
          whole[i / 2] = stars.fluxErr()[k];
        }
      }
      assertThat(Math.abs(DrawnScene.mean(pulls))).isLessThan(0.25);
      assertThat(DrawnScene.standardDeviation(pulls)).isBetween(0.85, 1.15);
      assertThat(DrawnScene.mean(errors)).isGreaterThan(1.2 * DrawnScene.mean(whole));
    }
  }

  private static void replace(Image image, Image by, int star, Grid grid) {
    int cx = (int) grid.x(star);
    int cy = (int) grid.y(star);
    for (int y = cy - 15; y <= cy + 15; y++) {
      for (int x = cx - 15; x <= cx + 15; x++) {
        image.science()[y * grid.width + x] = by.science()[y * grid.width + x];
      }
    }
  }

  private static int nearest(Stars stars, double x, double y) {
    int nearest = 0;
    for (int k = 1; k < stars.count(); k++) {
      if (Math.hypot(stars.x()[k] - x, stars.y()[k] - y)
          < Math.hypot(stars.x()[nearest] - x, stars.y()[nearest] - y)) {
        nearest = k;
      }
    }
    return nearest;
  }

  /** How many stars of the grid are in the catalog, with about their flux. */
  private static int found(Stars stars, Grid grid) {
    int found = 0;
    for (int i = 0; i < grid.stars(); i++) {
      double truth = grid.flux / (1 + i % 5);
      for (int k = 0; k < stars.count(); k++) {
        if (Math.hypot(stars.x()[k] - grid.x(i), stars.y()[k] - grid.y(i)) < 1
            && Math.abs(stars.flux()[k] / truth - 1) < 0.2) {
          found++;
        }
      }
    }
    return found;
  }

  static void demandFinite(Reduction reduction) {
    Stars stars = reduction.stars();
    for (int i = 0; i < stars.count(); i++) {
      assertThat(
              new double[] {
                stars.x()[i],
                stars.y()[i],
                stars.xErr()[i],
                stars.yErr()[i],
                stars.flux()[i],
                stars.fluxErr()[i],
                stars.sky()[i],
                stars.chi2()[i],
                stars.sharp()[i],
                stars.quality()[i],
                stars.crowding()[i]
              })
          .as("star %d", i)
          .doesNotContain(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
      assertThat(stars.fluxErr()[i]).isPositive();
    }
    for (float value : reduction.sky()) {
      if (!Float.isFinite(value)) {
        throw new AssertionError("sky of " + value);
      }
    }
  }
}

package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfModel;
import org.starmill.psf.PsfTable;
import org.starmill.sample.CameraSettings;

/** What a star's kernel sums with the Vector API is what its scalar source sums. */
class StarKernelTwinsTest {
  private static final int WIDTH = 203;
  private static final int HEIGHT = 171;
  private static final int STARS = 160;

  /** Both take the PSF from one table: they differ by the order of their sums. */
  private static final double TOLERANCE = 2e-5;

  private final Random random = new Random(71);

  private final int[] centreX = new int[STARS];
  private final int[] centreY = new int[STARS];
  private final float[] offsetX = new float[STARS];
  private final float[] offsetY = new float[STARS];
  private final float[] flux = new float[STARS];
  private final int[] radius = new int[STARS];
  private final float[] form = new float[STARS * PsfKernel.FORM];
  private final float[] image = new float[WIDTH * HEIGHT];
  private final float[] base = new float[WIDTH * HEIGHT];
  private final float[] photon = new float[STARS];
  private final float[] model = new float[WIDTH * HEIGHT];
  private final int[] firstOf = new int[STARS + 1];
  private final int[] neighbour = new int[STARS * 8];
  private final int[] chosen = IntStream.range(0, STARS).toArray();

  @BeforeEach
  void theVectorApiIsThere() {
    assumeTrue(Devices.VECTORS, "this JVM has no module jdk.incubator.vector");
  }

  /**
   * Stars all over the frame and beyond its edges, masked pixels, a PSF that varies as much as a
   * camera's does over so few pixels.
   */
  private Psf scatter(PsfModel kind, double fwhm, int stampRadius) {
    double[][] shape = {
      {Math.log(fwhm), 0.002, -0.002}, {0.03, 0.002, 0}, {-0.02, 0.001, 0.002}, {3.2}
    };
    Psf psf = new Psf(kind, WIDTH, HEIGHT, shape);
    for (int i = 0; i < STARS; i++) {
      centreX[i] = random.nextInt(WIDTH + 2) - 1;
      centreY[i] = random.nextInt(HEIGHT + 2) - 1;
      offsetX[i] = random.nextFloat() - 0.5f;
      offsetY[i] = random.nextFloat() - 0.5f;
      flux[i] = (float) Math.pow(10, 2 + 4 * random.nextDouble());
      photon[i] = 0.8f + 0.4f * random.nextFloat();
      radius[i] = i % 3 == 0 ? Math.max(4, stampRadius / 2) : stampRadius;
      psf.formAt(centreX[i] + offsetX[i], centreY[i] + offsetY[i], form, i * PsfKernel.FORM);
    }
    for (int i = 0; i < image.length; i++) {
      model[i] = 50 * random.nextFloat();
      image[i] = model[i] + 30 * (float) random.nextGaussian();
      base[i] = random.nextInt(20) == 0 ? 0 : 700 + 700 * random.nextFloat();
    }
    // A dead column, and a row.
    for (int y = 0; y < HEIGHT; y++) {
      base[y * WIDTH + 90] = 0;
    }
    for (int x = 0; x < WIDTH; x++) {
      base[60 * WIDTH + x] = 0;
    }
    int pairs = 0;
    for (int i = 0; i < STARS; i++) {
      for (int k = 0; k < STARS && pairs - firstOf[i] < 8; k++) {
        if (k != i && Math.hypot(centreX[k] - centreX[i], centreY[k] - centreY[i]) < 3 * fwhm + 4) {
          neighbour[pairs++] = k;
        }
      }
      firstOf[i + 1] = pairs;
    }
    assertThat(pairs).isGreaterThan(30);
    return psf;
  }

  /** Sums over noise pixels cancel: their size is that of the sums of squares. */
  private static void demandNear(
      SoftAssertions softly,
      String what,
      double expected,
      double found,
      double scale,
      double tolerance) {
    softly
        .assertThat(Math.abs(found - expected) / scale)
        .as("%s: %s, expected %s", what, found, expected)
        .isLessThan(tolerance);
  }

  private StarNormalKernel normal(Psf psf, int stampRadius, boolean fitSky) {
    StarNormalKernel kernel = new StarNormalKernel();
    kernel.configure(psf);
    kernel.width = WIDTH;
    kernel.height = HEIGHT;
    kernel.chosen = chosen;
    kernel.radius = radius;
    kernel.fitSky = fitSky ? 1 : 0;
    kernel.modelVariance = 1e-4f;
    kernel.image = image;
    kernel.model = model;
    kernel.base = base;
    kernel.photon = photon;
    kernel.centreX = centreX;
    kernel.centreY = centreY;
    kernel.offsetX = offsetX;
    kernel.offsetY = offsetY;
    kernel.flux = flux;
    kernel.form = form;
    kernel.firstOf = firstOf;
    kernel.neighbour = neighbour;
    kernel.own = new float[STARS * StarNormalKernel.OWN];
    kernel.cross = new float[Math.max(1, firstOf[STARS]) * StarNormalKernel.CROSS];
    kernel.tabulate(new PsfTable(psf, kernel, stampRadius));
    return kernel;
  }

  @ParameterizedTest(name = "a sky fitted with each star: {0}")
  @ValueSource(booleans = {false, true})
  void normalSystemsAndWhatCouplesThemAgree(boolean fitSky) {
    for (double fwhm : new double[] {1.9, 4}) {
      for (PsfModel kind : PsfModel.values()) {
        int stampRadius = (int) Math.ceil(3.5 * fwhm);
        Psf psf = scatter(kind, fwhm, stampRadius);
        StarNormalKernel scalar = normal(psf, stampRadius, fitSky);
        StarNormalKernel vectors = normal(psf, stampRadius, fitSky);
        try (Device one = Devices.scalarJava(1);
            Device other = Devices.java(1)) {
          one.run(scalar, STARS);
          other.run(vectors, STARS);
        }
        SoftAssertions.assertSoftly(softly -> compareNormals(softly, scalar, vectors));
      }
    }
  }

  private void compareNormals(
      SoftAssertions softly, StarNormalKernel scalar, StarNormalKernel vectors) {
    int[] diagonal = {0, 0, 1, 0, 1, 2};
    int[] second = {0, 1, 1, 2, 2, 2};
    int[] square = {0, 2, 5};
    for (int i = 0; i < STARS; i++) {
      int o = i * StarNormalKernel.OWN;
      float[] own = scalar.own;
      double chi = Math.sqrt(own[o + StarNormalKernel.CHI2]);
      for (int k = 0; k < 6; k++) {
        double scale =
            Math.sqrt((double) own[o + square[diagonal[k]]] * own[o + square[second[k]]]);
        demandNear(softly, "H" + k, own[o + k], vectors.own[o + k], scale + 1e-12, TOLERANCE);
      }
      for (int k = 0; k < 3; k++) {
        int at = o + StarNormalKernel.GRADIENT + k;
        demandNear(
            softly,
            "g" + k,
            own[at],
            vectors.own[at],
            Math.sqrt(own[o + square[k]]) * chi + 1e-12,
            TOLERANCE);
      }
      int at = o + StarNormalKernel.CHI2;
      demandNear(softly, "chi2", own[at], vectors.own[at], own[at] + 1e-12, TOLERANCE);
      demandNear(
          softly,
          "sky",
          own[o + StarNormalKernel.SKY],
          vectors.own[o + StarNormalKernel.SKY],
          30,
          TOLERANCE);
      softly
          .assertThat(vectors.own[o + StarNormalKernel.PIXELS])
          .isEqualTo(own[o + StarNormalKernel.PIXELS]);
      for (int n = firstOf[i]; n < firstOf[i + 1]; n++) {
        for (int k = 0; k < StarNormalKernel.CROSS; k++) {
          int c = n * StarNormalKernel.CROSS + k;
          int p = neighbour[n] * StarNormalKernel.OWN;
          double scale =
              Math.sqrt((double) own[o + square[k / 3]] * Math.max(own[p + square[k % 3]], 0));
          demandNear(softly, "C" + k, scalar.cross[c], vectors.cross[c], scale + 1e-9, TOLERANCE);
        }
      }
    }
  }

  private StarQualityKernel quality(Psf psf, int stampRadius) {
    StarQualityKernel kernel = new StarQualityKernel();
    kernel.configure(psf);
    kernel.width = WIDTH;
    kernel.height = HEIGHT;
    kernel.radius = radius;
    kernel.coreHalfSide = 2;
    kernel.modelVariance = 1e-4f;
    kernel.image = image;
    kernel.model = model;
    kernel.base = base;
    kernel.photon = photon;
    kernel.centreX = centreX;
    kernel.centreY = centreY;
    kernel.offsetX = offsetX;
    kernel.offsetY = offsetY;
    kernel.flux = flux;
    kernel.form = form;
    kernel.chosen = IntStream.range(0, STARS).toArray();
    kernel.numbers = new float[STARS * StarQualityKernel.NUMBERS];
    kernel.tabulate(new PsfTable(psf, kernel, stampRadius));
    return kernel;
  }

  @ParameterizedTest
  @EnumSource(PsfModel.class)
  void whatAStampShowsAgrees(PsfModel kind) {
    double fwhm = 2.1;
    int stampRadius = 8;
    Psf psf = scatter(kind, fwhm, stampRadius);
    StarQualityKernel scalar = quality(psf, stampRadius);
    StarQualityKernel vectors = quality(psf, stampRadius);
    try (Device one = Devices.scalarJava(1);
        Device other = Devices.java(1)) {
      one.run(scalar, STARS);
      other.run(vectors, STARS);
    }
    SoftAssertions.assertSoftly(
        softly -> {
          for (int i = 0; i < STARS; i++) {
            int o = i * StarQualityKernel.NUMBERS;
            for (int k = 0; k < StarQualityKernel.NUMBERS; k++) {
              double expected = scalar.numbers[o + k];
              double scale =
                  switch (k) {
                    case StarQualityKernel.GOOD, StarQualityKernel.ALL -> 1;
                    // A response is as uncertain as the root of its norm says.
                    case StarQualityKernel.SIZE,
                        StarQualityKernel.LONG,
                        StarQualityKernel.DIAGONAL ->
                        10 * Math.sqrt(scalar.numbers[o + k + 1]);
                    case StarQualityKernel.OTHER_LIGHT ->
                        scalar.numbers[o + StarQualityKernel.OWN_LIGHT] + expected;
                    default -> 4 * Math.abs(expected);
                  };
              demandNear(
                  softly, "number " + k, expected, vectors.numbers[o + k], scale + 1e-9, TOLERANCE);
            }
          }
        });
  }

  private RenderKernel render(Psf psf, int stampRadius, int onTop) {
    RenderKernel kernel = new RenderKernel();
    kernel.configure(psf);
    kernel.width = WIDTH;
    kernel.height = HEIGHT;
    kernel.bandRows = 32;
    kernel.onTop = onTop;
    int bands = (HEIGHT + 31) / 32;
    kernel.bandStart = new int[bands + 1];
    int[] members = new int[bands * STARS];
    int count = 0;
    for (int b = 0; b < bands; b++) {
      for (int i = 0; i < STARS; i++) {
        if (centreY[i] + radius[i] >= 32 * b && centreY[i] - radius[i] < 32 * (b + 1)) {
          members[count++] = i;
        }
      }
      kernel.bandStart[b + 1] = count;
    }
    kernel.bandStar = members;
    kernel.centreX = centreX;
    kernel.centreY = centreY;
    kernel.radius = radius;
    kernel.offsetX = offsetX;
    kernel.offsetY = offsetY;
    kernel.flux = flux;
    kernel.form = form;
    kernel.model = model.clone();
    kernel.tabulate(new PsfTable(psf, kernel, stampRadius));
    return kernel;
  }

  @ParameterizedTest(name = "on top of what is there: {0}")
  @ValueSource(ints = {0, 1})
  void theDrawnModelAgrees(int onTop) {
    double fwhm = 2.1;
    int stampRadius = 8;
    for (PsfModel kind : PsfModel.values()) {
      Psf psf = scatter(kind, fwhm, stampRadius);
      for (int i = 0; i < STARS; i += 5) {
        // Bright stars are drawn far beyond the table.
        radius[i] = 45;
        flux[i] = 1e6f;
      }
      RenderKernel scalar = render(psf, stampRadius, onTop);
      RenderKernel vectors = render(psf, stampRadius, onTop);
      int bands = scalar.bandStart.length - 1;
      try (Device one = Devices.scalarJava(1);
          Device other = Devices.java(1)) {
        one.run(scalar, bands);
        other.run(vectors, bands);
      }
      double[] peak = peaks(scalar.model);
      double worst = 0;
      for (int i = 0; i < peak.length; i++) {
        double error = Math.abs(vectors.model[i] - scalar.model[i]);
        worst = Math.max(worst, error / (peak[i] + 1));
      }
      assertThat(worst).as("model, of the brightest pixel near").isLessThan(1e-5);
    }
  }

  /** The brightest model within 4 pixels of each. */
  private static double[] peaks(float[] model) {
    double[] peak = new double[model.length];
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        double best = 0;
        for (int j = Math.max(0, y - 4); j <= Math.min(HEIGHT - 1, y + 4); j++) {
          for (int i = Math.max(0, x - 4); i <= Math.min(WIDTH - 1, x + 4); i++) {
            best = Math.max(best, Math.abs(model[j * WIDTH + i]));
          }
        }
        peak[y * WIDTH + x] = best;
      }
    }
    return peak;
  }

  @ParameterizedTest
  @ValueSource(longs = {72})
  void aCrowdedFieldHasTheSameStarsOnBothDevices(long seed) {
    CameraSettings camera =
        CameraSettings.ztfLike().withSize(512, 512).withStars(1600).withSeed(seed);
    SimulatedField scalar;
    SimulatedField vectors;
    try (Device device = Devices.scalarJava(1)) {
      scalar = SimulatedField.reduce(camera, ReductionSettings.DEFAULT, device);
    }
    try (Device device = Devices.java(1)) {
      vectors = SimulatedField.reduce(camera, ReductionSettings.DEFAULT, device);
    }
    Stars one = scalar.reduction.stars();
    Stars two = vectors.reduction.stars();
    assertThat(Math.abs(one.count() - two.count())).isLessThanOrEqualTo(one.count() / 100);
    int bright = 0;
    int same = 0;
    int alike = 0;
    for (int i = 0; i < one.count(); i++) {
      double sigma = one.fluxErr()[i];
      if (one.flux()[i] < 10 * sigma) {
        continue;
      }
      bright++;
      int[] near = DrawnScene.within(two, one.x()[i], one.y()[i], 0.02);
      if (near.length == 1
          && Math.abs(two.flux()[near[0]] - one.flux()[i]) < 0.2 * sigma
          && Math.abs(two.fluxErr()[near[0]] / sigma - 1) < 0.03) {
        same++;
        alike += Math.abs(two.flux()[near[0]] - one.flux()[i]) < 0.05 * sigma ? 1 : 0;
      }
    }
    assertThat(bright).isGreaterThan(400);
    // A star that only one of both found, at the threshold, changes its neighbours.
    assertThat((double) same / bright).isGreaterThan(0.97);
    assertThat((double) alike / bright).isGreaterThan(0.9);
  }
}

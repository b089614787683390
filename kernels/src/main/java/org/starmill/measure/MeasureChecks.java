package org.starmill.measure;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.starmill.device.KernelCheck;
import org.starmill.device.KernelChecks;
import org.starmill.image.PixelFlag;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfChecks;
import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfTable;

/** Checks of the kernels that measure stars. */
public final class MeasureChecks implements KernelChecks {
  private static final int MOST_PIXELS = 100_000;
  private static final float NOISE = 30f;
  private static final float BRIGHT = 1e4f;
  private static final int FEW = 16;

  // The table that a twin takes the PSF from, where its source integrates it, is right to a
  // thousandth of the peak.
  private static final double TABLE = 5e-3;

  @Override
  public List<KernelCheck<?>> checks() {
    return List.of(
        KernelCheck.of(BaseVarianceKernel.class, 1e-6, MeasureChecks::variance)
            .giving("base", kernel -> KernelCheck.scaled(kernel.base, 0, NOISE * NOISE))
            .giving("image", kernel -> KernelCheck.scaled(kernel.image, 0, NOISE)),
        KernelCheck.of(RenderKernel.class, 2e-5, MeasureChecks::render)
            .giving("model", kernel -> KernelCheck.scaled(kernel.model, 0, BRIGHT)),
        KernelCheck.of(ResidualKernel.class, 0, MeasureChecks::residual)
            .giving("residual", kernel -> KernelCheck.scaled(kernel.residual, 0, NOISE)),
        KernelCheck.of(StarNormalKernel.class, 1e-4, MeasureChecks::normals)
            .giving("own", MeasureChecks::own)
            .giving("cross", MeasureChecks::cross),
        KernelCheck.of(StarSolveKernel.class, 1e-4, MeasureChecks::solve)
            .giving("moved", kernel -> kernel.moved)
            .giving("x", kernel -> kernel.offsetX)
            .giving("y", kernel -> kernel.offsetY)
            .giving("flux", kernel -> KernelCheck.scaled(kernel.flux, 0, BRIGHT))
            .giving("error of x", kernel -> KernelCheck.logarithms(kernel.errorX))
            .giving("error of y", kernel -> KernelCheck.logarithms(kernel.errorY))
            .giving("error of flux", kernel -> KernelCheck.logarithms(kernel.errorFlux)),
        KernelCheck.of(StarQualityKernel.class, 1e-4, MeasureChecks::quality)
            .giving("numbers", MeasureChecks::numbers),
        KernelCheck.of(ApertureKernel.class, 1e-4, MeasureChecks::apertures)
            .withTwinTolerance(TABLE)
            .giving("sky", kernel -> KernelCheck.scaled(kernel.ringSky, 0, NOISE))
            .giving("its variance", kernel -> KernelCheck.logarithms(kernel.ringVariance))
            .giving("flux", kernel -> KernelCheck.scaled(kernel.aperFlux, 0, BRIGHT))
            .giving("error", kernel -> KernelCheck.scaled(kernel.aperError, 0, NOISE)));
  }

  private static float[] numbers(int count, double from, double to, SplittableRandom random) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextDouble(from, to);
    }
    return numbers;
  }

  /** Stars all over a frame and a little beyond its edges, on noise. */
  private static final class Field {
    final int width;
    final int height;
    final Psf psf;
    final int stampRadius;
    final int[] centreX;
    final int[] centreY;
    final float[] offsetX;
    final float[] offsetY;
    final float[] flux;
    final int[] radius;
    final float[] form;
    final float[] image;
    final float[] model;
    final float[] base;
    final float[] photon;

    Field(int stars, int width, int height, SplittableRandom random) {
      this.width = width;
      this.height = height;
      psf = PsfChecks.example(width, height, random);
      stampRadius = PsfChecks.stampRadius(stars);
      centreX = new int[stars];
      centreY = new int[stars];
      radius = new int[stars];
      offsetX = numbers(stars, -0.5, 0.5, random);
      offsetY = numbers(stars, -0.5, 0.5, random);
      flux = numbers(stars, 100, BRIGHT, random);
      form = new float[stars * PsfKernel.FORM];
      for (int i = 0; i < stars; i++) {
        centreX[i] = random.nextInt(-1, width + 1);
        centreY[i] = random.nextInt(-1, height + 1);
        radius[i] = random.nextInt(2) == 0 ? stampRadius : Math.max(2, stampRadius - 2);
        psf.formAt(centreX[i] + offsetX[i], centreY[i] + offsetY[i], form, i * PsfKernel.FORM);
      }
      // Multiples of a power of two: what the model leaves of the image is exact.
      model = numbers(width * height, -2, 200, random);
      image = numbers(width * height, -1.7 * NOISE, 1.7 * NOISE, random);
      base = numbers(width * height, 800, 1200, random);
      photon = numbers(stars, 0.8, 1.2, random);
      for (int i = 0; i < base.length; i++) {
        model[i] = Math.round(64 * model[i]) / 64f;
        image[i] = Math.round(64 * image[i]) / 64f + model[i];
        if (random.nextInt(30) == 0 || i % width == 20) {
          base[i] = 0;
        }
      }
    }

    Field(int stars, SplittableRandom random) {
      this(stars, 40 + 13 * stars % 50, 40 + 17 * stars % 50, random);
    }

    PsfTable table(PsfKernel kernel) {
      return new PsfTable(psf, kernel, stampRadius);
    }

    /** Where each star's neighbours start: the stars beside it in the list that it overlaps. */
    int[] firstOf() {
      int[] first = new int[centreX.length + 1];
      for (int i = 0; i < centreX.length; i++) {
        first[i + 1] = first[i] + Math.min(i % 4, centreX.length - 1);
      }
      return first;
    }

    /** Those: the next in the list, each moved near the star that it is a neighbour of. */
    int[] neighbours(int[] first) {
      int[] neighbours = new int[Math.max(1, first[first.length - 1])];
      for (int i = 0; i < centreX.length; i++) {
        for (int k = first[i]; k < first[i + 1]; k++) {
          neighbours[k] = (i + 1 + k - first[i]) % centreX.length;
        }
      }
      return neighbours;
    }
  }

  private static BaseVarianceKernel variance(int rows, SplittableRandom random, boolean vectors) {
    BaseVarianceKernel kernel = new BaseVarianceKernel();
    kernel.width = Math.max(1, Math.min(MOST_PIXELS / rows, 1 + 97 * rows % 260));
    int size = rows * kernel.width;
    kernel.unusable = PixelFlag.UNUSABLE;
    kernel.flatFielded = random.nextInt(2);
    kernel.readVariance = 50;
    kernel.least = 60;
    kernel.subtracting = random.nextInt(2);
    kernel.image = numbers(size, 900, 1100, random);
    kernel.response = numbers(kernel.flatFielded == 1 ? size : 1, 0.02, 1.2, random);
    kernel.mask = new short[size];
    for (int i = 0; i < size; i++) {
      kernel.mask[i] = (short) (random.nextInt(5) == 0 ? random.nextInt(256) : 0);
    }
    kernel.base = numbers(size, -300, 1200, random);
    return kernel;
  }

  private static RenderKernel render(int bands, SplittableRandom random, boolean vectors) {
    RenderKernel kernel = new RenderKernel();
    kernel.bandRows = bands > 5000 ? 1 : 1 + 5 * bands % 32;
    int height = bands * kernel.bandRows - kernel.bandRows / 3;
    int width = Math.max(8, Math.min(MOST_PIXELS / height, 40 + 7 * bands % 80));
    int stars = Math.max(1, width * height / 60);
    Field field = new Field(stars, width, height, random);
    kernel.configure(field.psf);
    kernel.width = width;
    kernel.height = height;
    kernel.onTop = random.nextInt(2);
    members(kernel, field, bands);
    kernel.centreX = field.centreX;
    kernel.centreY = field.centreY;
    kernel.radius = field.radius;
    kernel.offsetX = field.offsetX;
    kernel.offsetY = field.offsetY;
    kernel.flux = field.flux;
    kernel.form = field.form;
    kernel.model = field.model;
    // No table beyond the core: wings are drawn without one.
    kernel.tabulate(new PsfTable(field.psf, kernel, 0));
    return kernel;
  }

  private static ResidualKernel residual(int rows, SplittableRandom random, boolean vectors) {
    ResidualKernel kernel = new ResidualKernel();
    kernel.width = Math.max(1, Math.min(MOST_PIXELS / rows, 1 + 97 * rows % 260));
    int size = rows * kernel.width;
    kernel.image = numbers(size, -NOISE, 10 * NOISE, random);
    kernel.model = numbers(size, 0, 9 * NOISE, random);
    kernel.unusable = PixelFlag.UNUSABLE;
    kernel.mask = new short[size];
    for (int i = 0; i < size; i++) {
      kernel.mask[i] = (short) (random.nextInt(5) == 0 ? random.nextInt(256) : 0);
    }
    kernel.residual = new float[size];
    return kernel;
  }

  /** Lists the stars that reach each band. */
  private static void members(RenderKernel kernel, Field field, int bands) {
    int[] first = new int[bands + 1];
    for (int pass = 0; pass < 2; pass++) {
      int[] next = first.clone();
      for (int i = 0; i < field.centreX.length; i++) {
        int top = Math.max(0, (field.centreY[i] - field.radius[i]) / kernel.bandRows);
        int bottom = Math.min(bands - 1, (field.centreY[i] + field.radius[i]) / kernel.bandRows);
        for (int b = top; b <= bottom; b++) {
          if (pass == 0) {
            first[b + 1]++;
          } else {
            kernel.bandStar[next[b]++] = i;
          }
        }
      }
      if (pass == 0) {
        Arrays.parallelPrefix(first, Integer::sum);
        kernel.bandStar = new int[Math.max(first[bands], 8 * field.centreX.length)];
      }
    }
    kernel.bandStart = first;
  }

  private static StarNormalKernel normals(int stars, SplittableRandom random, boolean vectors) {
    StarNormalKernel kernel = new StarNormalKernel();
    Field field = new Field(stars, random);
    for (int i = 1; i < stars; i++) {
      if (i % 4 != 0) {
        field.centreX[i] =
            Math.max(-1, Math.min(field.width, field.centreX[i - 1] + random.nextInt(-3, 4)));
        field.centreY[i] =
            Math.max(-1, Math.min(field.height, field.centreY[i - 1] + random.nextInt(-3, 4)));
      }
    }
    kernel.configure(field.psf);
    kernel.width = field.width;
    kernel.height = field.height;
    kernel.chosen = IntStream.range(0, stars).toArray();
    kernel.radius = field.radius;
    // Where the sky is fitted on a stamp no wider than the star, hardly a star is left.
    kernel.fitSky = field.stampRadius > 4 ? random.nextInt(2) : 0;
    kernel.modelVariance = 1e-4f;
    kernel.image = field.image;
    kernel.model = field.model;
    kernel.base = field.base;
    kernel.photon = field.photon;
    kernel.centreX = field.centreX;
    kernel.centreY = field.centreY;
    kernel.offsetX = field.offsetX;
    kernel.offsetY = field.offsetY;
    kernel.flux = field.flux;
    kernel.form = field.form;
    kernel.firstOf = field.firstOf();
    kernel.neighbour = field.neighbours(kernel.firstOf);
    kernel.own = new float[stars * StarNormalKernel.OWN];
    kernel.cross = new float[kernel.neighbour.length * StarNormalKernel.CROSS];
    kernel.tabulate(field.table(kernel));
    return kernel;
  }

  /** A star of which a corner is seen has no system to speak of. */
  private static boolean isSeen(StarNormalKernel kernel, int star) {
    return kernel.own[star * StarNormalKernel.OWN + StarNormalKernel.PIXELS] > FEW;
  }

  private static double root(StarNormalKernel kernel, int star, int parameter) {
    int place = star * StarNormalKernel.OWN + parameter * (parameter + 3) / 2;
    return Math.sqrt(Math.max(kernel.own[place], 1e-12f));
  }

  /** Sums over the roots of the diagonals they belong to, which are given as logarithms. */
  private static float[] own(StarNormalKernel kernel) {
    float[] own = kernel.own.clone();
    for (int star = 0; star < kernel.chosen.length; star++) {
      int o = star * StarNormalKernel.OWN;
      double chi = Math.sqrt(own[o + StarNormalKernel.CHI2]) + 1e-6;
      boolean seen = isSeen(kernel, star);
      for (int a = 0; a < 3; a++) {
        for (int b = 0; b <= a; b++) {
          int k = o + a * (a + 1) / 2 + b;
          double scale = root(kernel, star, a) * root(kernel, star, b);
          own[k] = seen ? (float) (a == b ? Math.log(scale) : kernel.own[k] / scale) : 0;
        }
        int g = o + StarNormalKernel.GRADIENT + a;
        own[g] = seen ? (float) (kernel.own[g] / (root(kernel, star, a) * chi)) : 0;
      }
      own[o + StarNormalKernel.CHI2] = (float) chi;
      own[o + StarNormalKernel.SKY] /= NOISE;
    }
    return own;
  }

  private static float[] cross(StarNormalKernel kernel) {
    float[] cross = kernel.cross.clone();
    for (int star = 0; star < kernel.chosen.length; star++) {
      for (int k = kernel.firstOf[star]; k < kernel.firstOf[star + 1]; k++) {
        for (int i = 0; i < StarNormalKernel.CROSS; i++) {
          int other = kernel.neighbour[k];
          boolean seen = isSeen(kernel, star) && isSeen(kernel, other);
          double scale = root(kernel, star, i / 3) * root(kernel, other, i % 3);
          int c = k * StarNormalKernel.CROSS + i;
          cross[c] = seen ? (float) (cross[c] / scale) : 0;
        }
      }
    }
    return cross;
  }

  /** Systems with strong diagonals, a few of them singular. */
  private static StarSolveKernel solve(int stars, SplittableRandom random, boolean vectors) {
    StarSolveKernel kernel = new StarSolveKernel();
    Field field = new Field(stars, random);
    kernel.rows = 3 * 4;
    kernel.chosen = IntStream.range(0, stars).toArray();
    kernel.firstOf = field.firstOf();
    kernel.neighbour = field.neighbours(kernel.firstOf);
    kernel.own = numbers(stars * StarNormalKernel.OWN, -1e-3, 1e-3, random);
    for (int i = 0; i < stars; i++) {
      int o = i * StarNormalKernel.OWN;
      for (int a = 0; a < 3; a++) {
        kernel.own[o + a * (a + 3) / 2] = i % 50 == 7 ? 0 : (float) random.nextDouble(0.01, 0.02);
      }
    }
    kernel.cross = numbers(kernel.neighbour.length * StarNormalKernel.CROSS, -5e-4, 5e-4, random);
    kernel.moving = random.nextInt(2);
    kernel.damping = numbers(stars, 1, 1.2, random);
    kernel.longestStep = 0.5f;
    kernel.longestWay = 1;
    kernel.centreX = field.centreX;
    kernel.centreY = field.centreY;
    kernel.anchorX = new float[stars];
    kernel.anchorY = new float[stars];
    for (int i = 0; i < stars; i++) {
      kernel.anchorX[i] = field.centreX[i] + (float) random.nextDouble(-0.3, 0.3);
      kernel.anchorY[i] = field.centreY[i] + (float) random.nextDouble(-0.3, 0.3);
    }
    kernel.offsetX = field.offsetX;
    kernel.offsetY = field.offsetY;
    kernel.flux = field.flux;
    kernel.moved = new float[stars];
    kernel.errorX = new float[stars];
    kernel.errorY = new float[stars];
    kernel.errorFlux = new float[stars];
    kernel.work = new float[stars * StarSolveKernel.places(kernel.rows)];
    return kernel;
  }

  private static StarQualityKernel quality(int stars, SplittableRandom random, boolean vectors) {
    StarQualityKernel kernel = new StarQualityKernel();
    Field field = new Field(stars, random);
    kernel.configure(field.psf);
    kernel.width = field.width;
    kernel.height = field.height;
    kernel.radius = field.radius;
    kernel.coreHalfSide = 2;
    kernel.modelVariance = 1e-4f;
    kernel.image = field.image;
    kernel.model = field.model;
    kernel.base = field.base;
    kernel.photon = field.photon;
    kernel.centreX = field.centreX;
    kernel.centreY = field.centreY;
    kernel.offsetX = field.offsetX;
    kernel.offsetY = field.offsetY;
    kernel.flux = field.flux;
    kernel.form = field.form;
    kernel.chosen = new int[stars];
    for (int i = 0; i < stars; i++) {
      kernel.chosen[i] = stars - 1 - i;
    }
    kernel.numbers = new float[stars * StarQualityKernel.NUMBERS];
    kernel.tabulate(field.table(kernel));
    return kernel;
  }

  /** Responses over ten roots of their norms, and norms against what they can be. */
  private static float[] numbers(StarQualityKernel kernel) {
    float[] numbers = kernel.numbers.clone();
    for (int o = 0; o < numbers.length; o += StarQualityKernel.NUMBERS) {
      float own = numbers[o + StarQualityKernel.OWN_LIGHT];
      float other = numbers[o + StarQualityKernel.OTHER_LIGHT];
      numbers[o + StarQualityKernel.OWN_LIGHT] = own / BRIGHT;
      numbers[o + StarQualityKernel.OTHER_LIGHT] = other / BRIGHT;
      int[] responses = {
        StarQualityKernel.SIZE, StarQualityKernel.LONG, StarQualityKernel.DIAGONAL
      };
      for (int k : responses) {
        numbers[o + k] *= 1 / NOISE;
        numbers[o + k + 1] *= NOISE * NOISE / 10;
      }
    }
    return numbers;
  }

  /**
   * Stars in tiles of 32 pixels: of their apertures all is good, or a pixel in the wings is not, or
   * nearly none is, since the middle is masked or beyond the edge of the frame. Places are
   * multiples of 1/64 pixel, so that no pixel lies on the rim of the ring.
   */
  private static ApertureKernel apertures(int stars, SplittableRandom random, boolean vectors) {
    ApertureKernel kernel = new ApertureKernel();
    int tiles = 3;
    int tile = 32;
    int side = tiles * tile;
    Field field = new Field(stars, side, side, random);
    kernel.configure(field.psf);
    kernel.width = side;
    kernel.height = side;
    kernel.radius =
        stars > 5000
            ? new float[] {1.5f}
            : new float[] {1.5f, 2.3f, (float) random.nextDouble(3, 4)};
    kernel.apertures = kernel.radius.length;
    kernel.skyInner = 6.03f;
    kernel.skyOuter = 9.07f;
    kernel.modelVariance = 1e-4f;
    kernel.image = field.image;
    kernel.model = field.model;
    kernel.base = numbers(side * side, 800, 1000, random);
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        int dx = Math.abs(x % tile - tile / 2);
        int dy = Math.abs(y % tile - tile / 2);
        int kind = (x / tile + y / tile * tiles) % 3;
        boolean middle = kind == 1 && dx <= 5 && dy <= 5;
        boolean wing = kind == 2 && dx == 4 && dy == 0;
        boolean ring = dx + dy == 9 && dx % 3 == 0;
        if (middle || wing || ring) {
          kernel.base[y * side + x] = 0;
        } else if (random.nextInt(40) == 0) {
          kernel.image[y * side + x] = 50 * NOISE + kernel.model[y * side + x];
        }
      }
    }
    kernel.centreX = field.centreX;
    kernel.centreY = field.centreY;
    kernel.offsetX = field.offsetX;
    kernel.offsetY = field.offsetY;
    for (int i = 0; i < stars; i++) {
      boolean beyond = random.nextInt(20) == 0;
      kernel.centreX[i] = beyond ? -5 : random.nextInt(tiles) * tile + tile / 2;
      kernel.centreY[i] = random.nextInt(tiles) * tile + tile / 2;
      kernel.offsetX[i] = random.nextInt(-32, 33) / 64f;
      kernel.offsetY[i] = random.nextInt(-32, 33) / 64f;
    }
    kernel.flux = field.flux;
    kernel.errorFlux = numbers(stars, 50, 5000, random);
    kernel.form = field.form;
    kernel.photon = numbers(stars, 0.9, 1.1, random);
    kernel.drawn = field.radius;
    kernel.ringSky = new float[stars];
    kernel.ringVariance = new float[stars];
    int places = stars * kernel.apertures;
    kernel.aperFlux = new float[places];
    kernel.aperError = new float[places];
    kernel.area = new float[places];
    kernel.light = new float[places];
    kernel.lost = new float[places];
    kernel.table = field.table(kernel);
    return kernel;
  }
}

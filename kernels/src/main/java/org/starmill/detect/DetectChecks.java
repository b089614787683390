package org.starmill.detect;

import java.util.List;
import java.util.SplittableRandom;
import org.starmill.device.KernelCheck;
import org.starmill.device.KernelChecks;

/** Checks of the kernels that find stars, and what is none. */
public final class DetectChecks implements KernelChecks {
  private static final int MOST_PIXELS = 100_000;
  private static final float SIGMA = 10f;

  @Override
  public List<KernelCheck<?>> checks() {
    return List.of(
        KernelCheck.of(WeightKernel.class, 1e-6, DetectChecks::weights)
            .giving("weight", kernel -> KernelCheck.scaled(kernel.weight, 0, 1e-3f))
            .giving("weighted", kernel -> kernel.weighted),
        KernelCheck.of(MatchedFilterKernel.class, 1e-4, DetectChecks::filter)
            .giving("peaks", DetectChecks::peaksOf)
            .givingFromSource("significance", kernel -> kernel.significance)
            .givingFromSource(
                "information", kernel -> KernelCheck.scaled(kernel.information, 0, 1e-3f)),
        KernelCheck.of(PeakKernel.class, 0, DetectChecks::peaks)
            .giving("count", kernel -> KernelCheck.halves(kernel.count))
            .giving("column", kernel -> KernelCheck.halves(kernel.column)),
        KernelCheck.of(ColumnSegmentKernel.class, 1e-5, DetectChecks::segments)
            .giving("sum", kernel -> KernelCheck.scaled(kernel.sum, 0, SIGMA))
            .giving("used", kernel -> kernel.used),
        KernelCheck.of(CosmicRayKernel.class, 0, DetectChecks::cosmicRays)
            .giving("found", kernel -> KernelCheck.halves(kernel.found)),
        KernelCheck.of(SurroundingKernel.class, 1e-3, DetectChecks::surroundings)
            .giving("significance", kernel -> kernel.significance)
            .giving("added", kernel -> kernel.added));
  }

  /** Of equal size whatever the seed, so that one input can be written into another's arrays. */
  private static int width(int rows) {
    return Math.max(1, Math.min(MOST_PIXELS / rows, 1 + 97 * rows % 200));
  }

  /** Variance of the empty sky, 0 in a pixel of thirty. */
  private static float[] base(int size, SplittableRandom random) {
    float[] base = new float[size];
    for (int i = 0; i < size; i++) {
      base[i] = random.nextInt(30) == 0 ? 0 : SIGMA * SIGMA * (float) random.nextDouble(0.9, 1.1);
    }
    return base;
  }

  private static float[] noise(int size, double sigma, SplittableRandom random) {
    float[] noise = new float[size];
    for (int i = 0; i < size; i++) {
      noise[i] = (float) (sigma * random.nextDouble(-1.7, 1.7));
    }
    return noise;
  }

  private static float[] light(int size, SplittableRandom random) {
    float[] light = new float[size];
    for (int i = 0; i < size; i++) {
      light[i] = random.nextInt(4) == 0 ? (float) random.nextDouble(-5, 500) : 0;
    }
    return light;
  }

  private static WeightKernel weights(int rows, SplittableRandom random, boolean vectors) {
    WeightKernel kernel = new WeightKernel();
    kernel.width = width(rows);
    int size = rows * kernel.width;
    kernel.photon = (float) random.nextDouble(0.8, 1.2);
    kernel.image = noise(size, SIGMA, random);
    kernel.base = base(size, random);
    kernel.model = light(size, random);
    kernel.weight = new float[size];
    kernel.weighted = new float[size];
    return kernel;
  }

  /** Stars far above the threshold, and noise far below it. */
  private static MatchedFilterKernel filter(int rows, SplittableRandom random, boolean vectors) {
    MatchedFilterKernel kernel = new MatchedFilterKernel();
    int width = width(rows);
    int size = rows * width;
    kernel.width = width;
    kernel.height = rows;
    kernel.radius = 2 + rows % 4;
    kernel.psf = gaussian(kernel.radius, random.nextDouble(-0.1, 0.1), 0);
    kernel.psfSquared = new float[kernel.psf.length];
    for (int i = 0; i < kernel.psf.length; i++) {
      kernel.psfSquared[i] = kernel.psf[i] * kernel.psf[i];
    }
    kernel.photon = 1;
    kernel.threshold = 8;
    kernel.image = noise(size, 0.2 * SIGMA, random);
    kernel.base = base(size, random);
    kernel.model = light(size, random);
    for (int i = 0; i < size; i++) {
      kernel.image[i] += kernel.model[i];
    }
    for (int y = 5; y < rows; y += 13) {
      for (int x = Math.min(5, width / 2); x < width; x += 13) {
        float flux = (float) random.nextDouble(1500, 4000);
        float[] star = gaussian(5, random.nextDouble(-0.3, 0.3), random.nextDouble(-0.3, 0.3));
        for (int k = 0; k < star.length; k++) {
          int sx = x + k % 11 - 5;
          int sy = y + k / 11 - 5;
          if (sx >= 0 && sx < width && sy >= 0 && sy < rows) {
            kernel.image[sy * width + sx] += flux * star[k] - kernel.model[sy * width + sx];
            kernel.base[sy * width + sx] = SIGMA * SIGMA;
            kernel.model[sy * width + sx] = 0;
          }
        }
      }
    }
    kernel.weight = new float[size];
    kernel.weighted = new float[size];
    for (int i = 0; i < size; i++) {
      if (kernel.base[i] > 0) {
        kernel.weight[i] = 1f / (kernel.base[i] + Math.max(kernel.model[i], 0f));
        kernel.weighted[i] = kernel.weight[i] * (kernel.image[i] - kernel.model[i]);
      }
    }
    kernel.significance = new float[size];
    kernel.information = new float[size];
    kernel.sample = new NoiseSample();
    return kernel;
  }

  private static float[] gaussian(int radius, double x, double y) {
    int side = 2 * radius + 1;
    float[] stamp = new float[side * side];
    for (int i = 0; i < stamp.length; i++) {
      double dx = i % side - radius - x;
      double dy = i / side - radius - y;
      stamp[i] = (float) (0.22 * Math.exp(-0.69 * (dx * dx + dy * dy)));
    }
    return stamp;
  }

  /** By how much each peak exceeds the threshold, wherever it was found; 0 elsewhere. */
  private static float[] peaksOf(MatchedFilterKernel kernel) {
    float[] map = new float[kernel.width * kernel.height];
    if (!kernel.blocks.isEmpty()) {
      Peaks peaks = PeakList.join(kernel.blocks.values());
      for (int i = 0; i < peaks.x().length; i++) {
        int pixel = Math.round(peaks.y()[i]) * kernel.width + Math.round(peaks.x()[i]);
        map[pixel] = peaks.significance()[i] - kernel.threshold;
      }
      return map;
    }
    PeakKernel search = search(kernel.significance, kernel.width, kernel.height);
    search.threshold = kernel.threshold;
    for (int y = 0; y < kernel.height; y++) {
      search.item(y);
      for (int k = 0; k < search.count[y]; k++) {
        int pixel = y * kernel.width + search.column[y * search.capacity + k];
        map[pixel] = kernel.significance[pixel] - kernel.threshold;
      }
    }
    return map;
  }

  private static PeakKernel search(float[] significance, int width, int height) {
    PeakKernel kernel = new PeakKernel();
    kernel.width = width;
    kernel.height = height;
    kernel.capacity = width / 2 + 1;
    kernel.significance = significance;
    kernel.count = new int[height];
    kernel.column = new int[height * kernel.capacity];
    return kernel;
  }

  /** Values of which many are equal: of equal neighbours the first is the peak. */
  private static PeakKernel peaks(int rows, SplittableRandom random, boolean vectors) {
    int width = width(rows);
    float[] significance = new float[rows * width];
    for (int i = 0; i < significance.length; i++) {
      significance[i] = random.nextInt(20);
    }
    PeakKernel kernel = search(significance, width, rows);
    kernel.threshold = 12;
    return kernel;
  }

  private static ColumnSegmentKernel segments(
      int segments, SplittableRandom random, boolean vectors) {
    ColumnSegmentKernel kernel = new ColumnSegmentKernel();
    kernel.segments = segments;
    kernel.sideBySide = random.nextInt(2);
    kernel.height = segments * (1 + segments % 3);
    kernel.width = width(kernel.height);
    kernel.limit = 1.5f * SIGMA;
    int size = kernel.width * kernel.height;
    kernel.image = noise(size, SIGMA, random);
    kernel.base = base(size, random);
    kernel.sum = new float[segments * kernel.width];
    kernel.used = new float[segments * kernel.width];
    return kernel;
  }

  /**
   * Tiles of 16 x 16 pixels with a star in the middle and hits in the corners, on a sky so quiet
   * that each is steep or not by far; in later rounds some of them are marked already.
   */
  private static CosmicRayKernel cosmicRays(int rows, SplittableRandom random, boolean vectors) {
    CosmicRayKernel kernel = new CosmicRayKernel();
    int width = width(rows);
    int size = rows * width;
    kernel.width = width;
    kernel.height = rows;
    kernel.words = (width + 31) / 32;
    kernel.later = random.nextInt(2);
    kernel.steepness = kernel.later == 1 ? 2.5f : 4.5f;
    kernel.contrast = kernel.steepness;
    kernel.faint = 25;
    kernel.modelError = 0.02f;
    kernel.image = noise(size, 0.1 * SIGMA, random);
    kernel.base = base(size, random);
    kernel.model = new float[size];
    kernel.share = new float[] {0.3f, 0.3f, 0.13f, 0.13f};
    kernel.psfShare = new float[] {0.5f, 0.5f, 0.25f, 0.25f};
    kernel.hit = new int[rows * kernel.words];
    kernel.look = new int[rows * kernel.words];
    kernel.found = new int[rows * kernel.words];
    for (int y = 0; y < rows; y++) {
      for (int x = 0; x < width; x++) {
        int i = y * width + x;
        int tile = (y / 16 * 31 + x / 16) % 5;
        double dx = x % 16 - 8 - 0.1 * tile;
        double dy = y % 16 - 8 + 0.1 * tile;
        double star = Math.exp(-0.69 * (dx * dx + dy * dy));
        if (tile % 2 == 0) {
          kernel.image[i] += (float) (300 * SIGMA * star);
        } else {
          kernel.model[i] += (float) (300 * SIGMA * star);
          kernel.image[i] += kernel.model[i];
        }
        boolean corner = x % 16 < 2 && y % 16 < 1 && random.nextInt(2) == 0;
        if (corner) {
          kernel.image[i] = kernel.model[i] + (float) (SIGMA * random.nextDouble(100, 150));
          kernel.base[i] = SIGMA * SIGMA;
        }
        if (kernel.later == 1 && corner && x % 16 == 0) {
          kernel.hit[y * kernel.words + (x >> 5)] |= 1 << (x & 31);
        }
        if (random.nextInt(3) > 0) {
          kernel.look[y * kernel.words + (x >> 5)] |= 1 << (x & 31);
        }
      }
    }
    return kernel;
  }

  /** Places in patches of light and of none, up to the edge. */
  private static SurroundingKernel surroundings(
      int places, SplittableRandom random, boolean vectors) {
    SurroundingKernel kernel = new SurroundingKernel();
    int width = 40 + places % 50;
    int height = 40 + places % 37;
    kernel.width = width;
    kernel.height = height;
    kernel.radius = 2 + places % 3;
    kernel.psf = gaussian(kernel.radius, random.nextDouble(-0.1, 0.1), 0);
    kernel.leastSeen = 0.4f;
    kernel.halvings = 20;
    kernel.bounded = random.nextInt(2);
    int outer = 6;
    kernel.ringX = new int[(2 * outer + 1) * (2 * outer + 1)];
    kernel.ringY = new int[kernel.ringX.length];
    kernel.ringOffset = new int[kernel.ringX.length];
    kernel.reach = outer;
    int inner = random.nextInt(3, 5);
    for (int dy = -outer; dy <= outer; dy++) {
      for (int dx = -outer; dx <= outer; dx++) {
        int distance2 = dx * dx + dy * dy;
        if (distance2 > inner * inner && distance2 <= outer * outer) {
          kernel.ringOffset[kernel.ring] = dy * kernel.width + dx;
          kernel.ringX[kernel.ring] = dx;
          kernel.ringY[kernel.ring++] = dy;
        }
      }
    }
    kernel.image = noise(width * height, SIGMA, random);
    kernel.base = base(width * height, random);
    kernel.model = light(width * height, random);
    for (int i = 0; i < kernel.image.length; i++) {
      kernel.image[i] += (i % width / 16 + i / width / 16) % 2 * 100f;
      kernel.image[i] += kernel.model[i];
    }
    kernel.x = new float[places];
    kernel.y = new float[places];
    for (int i = 0; i < places; i++) {
      kernel.x[i] = (float) random.nextDouble(0, width - 1);
      kernel.y[i] = (float) random.nextDouble(0, height - 1);
    }
    kernel.significance = new float[places];
    kernel.added = new float[places];
    return kernel;
  }
}

package org.starmill.calibrate;

import java.util.List;
import java.util.SplittableRandom;
import org.starmill.device.KernelCheck;
import org.starmill.device.KernelChecks;
import org.starmill.image.PixelFlag;

/** Checks of the kernels that take raw frames to images and combine frames to masters. */
public final class CalibrateChecks implements KernelChecks {
  private static final int MOST_PIXELS = 100_000;
  private static final float ELECTRONS = 1000f;

  @Override
  public List<KernelCheck<?>> checks() {
    return List.of(
        KernelCheck.of(CalibrationKernel.class, 1e-6, CalibrateChecks::frame)
            .giving("science", kernel -> KernelCheck.scaled(kernel.science, 0, ELECTRONS))
            .giving("variance", kernel -> KernelCheck.scaled(kernel.variance, 0, ELECTRONS))
            .giving("mask", kernel -> KernelCheck.floats(kernel.mask))
            .giving("saturated", kernel -> KernelCheck.halves(kernel.saturated))
            .giving("missing", kernel -> KernelCheck.halves(kernel.missing)),
        KernelCheck.of(CombineKernel.class, 1e-5, CalibrateChecks::stack)
            .giving("level", kernel -> KernelCheck.scaled(kernel.level, 0, ELECTRONS))
            .giving("error", kernel -> kernel.error)
            .giving("used", kernel -> KernelCheck.halves(kernel.used)));
  }

  /** A frame with overscan, hot columns, full pixels and some that are no numbers. */
  private static CalibrationKernel frame(int rows, SplittableRandom random, boolean vectors) {
    int width = Math.max(1, Math.min(MOST_PIXELS / rows, 1 + 97 * rows % 260));
    float[] odd = {65_535, 60_000, 59_999, Float.NaN, Float.POSITIVE_INFINITY, -3e9f, 0, 1e20f};
    CalibrationKernel kernel = new CalibrationKernel();
    kernel.width = width;
    kernel.firstColumn = rows % 4;
    kernel.firstRow = rows % 3;
    kernel.rawWidth = width + kernel.firstColumn + 3;
    kernel.raw = new float[kernel.rawWidth * (rows + kernel.firstRow)];
    for (int i = 0; i < kernel.raw.length; i++) {
      kernel.raw[i] = 1000 + random.nextInt(5000);
      if (random.nextInt(40) == 0) {
        kernel.raw[i] = odd[random.nextInt(odd.length)];
      }
    }
    kernel.overscan = numbers(rows, 400, 20, random);
    kernel.bias = numbers(rows * width, 600, 20, random);
    kernel.biasError = numbers(rows * width, 1, 1, random);
    kernel.flatFielded = random.nextInt(2);
    kernel.inverseResponse =
        kernel.flatFielded == 1 ? numbers(rows * width, 0.8, 0.5, random) : new float[1];
    kernel.defects = new short[rows * width];
    for (int i = 0; i < kernel.defects.length; i++) {
      kernel.defects[i] = (short) (random.nextInt(30) == 0 ? PixelFlag.BAD : 0);
    }
    kernel.gain = (float) random.nextDouble(0.5, 8);
    kernel.readVariance = 100;
    kernel.saturation = 60_000;
    kernel.science = new float[rows * width];
    kernel.variance = new float[rows * width];
    kernel.mask = new short[rows * width];
    kernel.saturated = new int[rows];
    kernel.missing = new int[rows];
    return kernel;
  }

  /** Frames that agree to within the noise but for cosmic rays, and pixels that some lack. */
  private static CombineKernel stack(int blocks, SplittableRandom random, boolean vectors) {
    CombineKernel kernel = new CombineKernel();
    kernel.block = Math.max(1, Math.min(MOST_PIXELS / blocks, 1 + 29 * blocks % 70));
    kernel.pixels = blocks * kernel.block - kernel.block / 3;
    kernel.frames = blocks > 1000 ? 7 : 3 + blocks % 61;
    kernel.clip = 4;
    kernel.iterations = 3;
    kernel.photons = random.nextInt(2);
    float level = 10_000;
    kernel.noise = kernel.photons == 1 ? 1 : 100;
    kernel.stack = new float[kernel.frames * kernel.pixels];
    for (int p = 0; p < kernel.pixels; p++) {
      for (int k = 0; k < kernel.frames; k++) {
        double value = level + 100 * random.nextDouble(-1.5, 1.5);
        if (random.nextInt(40) == 0) {
          value += random.nextDouble(2000, 10_000);
        }
        boolean missing = p % 101 == 17 || random.nextInt(100) == 0;
        kernel.stack[k * kernel.pixels + p] = missing ? CombineKernel.MISSING : (float) value;
      }
    }
    kernel.level = new float[kernel.pixels];
    kernel.error = new float[kernel.pixels];
    kernel.used = new int[kernel.pixels];
    return kernel;
  }

  private static float[] numbers(int count, double from, double range, SplittableRandom random) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) (from + range * random.nextDouble());
    }
    return numbers;
  }
}

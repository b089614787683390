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

  /** What raw frames hold where they hold no value; of flats also what is saturated. */
  private static final float[] MISSING = {Float.NaN, Float.POSITIVE_INFINITY, -3e29f, 65_000f};

  @Override
  public List<KernelCheck<?>> checks() {
    return List.of(
        KernelCheck.of(CalibrationKernel.class, 1e-6, CalibrateChecks::frame)
            .giving("science", kernel -> KernelCheck.scaled(kernel.science, 0, ELECTRONS))
            .giving(
                "variance",
                kernel ->
                    kernel.withVariance == 1
                        ? KernelCheck.scaled(kernel.variance, 0, ELECTRONS)
                        : new float[0])
            .giving("mask", kernel -> KernelCheck.floats(kernel.mask))
            .giving("saturated", kernel -> KernelCheck.halves(kernel.saturated))
            .giving("missing", kernel -> KernelCheck.halves(kernel.missing)),
        KernelCheck.of(CombineKernel.class, 1e-5, CalibrateChecks::stack)
            .giving("level", kernel -> KernelCheck.scaled(kernel.level, 0, ELECTRONS))
            .giving("error", kernel -> kernel.error)
            .giving("used", kernel -> KernelCheck.floats(kernel.used)));
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
    kernel.withVariance = random.nextInt(2);
    kernel.variance = new float[kernel.withVariance == 1 ? rows * width : 1];
    kernel.mask = new short[rows * width];
    kernel.saturated = new int[rows];
    kernel.missing = new int[rows];
    return kernel;
  }

  /**
   * Frames that agree to within the noise but for cosmic rays, and pixels that some lack: of flats
   * some are saturated or without a bias.
   */
  private static CombineKernel stack(int rows, SplittableRandom random, boolean vectors) {
    CombineKernel kernel = new CombineKernel();
    int width = Math.max(1, Math.min(MOST_PIXELS / rows, 1 + 29 * rows % 1070));
    kernel.block = width;
    kernel.pixels = rows * width;
    kernel.frames = rows > 1000 ? 7 : 3 + rows % 61;
    kernel.clip = 4;
    kernel.iterations = 3;
    kernel.photons = random.nextInt(2);
    float level = 10_000;
    kernel.noise = kernel.photons == 1 ? 1 : 100;
    Master bias = kernel.photons == 1 ? masterBias(rows, width, random) : null;
    TrimmedFrame[] frames = new TrimmedFrame[kernel.frames];
    kernel.stack = new float[kernel.frames * kernel.pixels];
    for (int k = 0; k < kernel.frames; k++) {
      int stride = width + 3;
      float[] raw = new float[(rows + 1) * stride];
      for (int i = 0; i < raw.length; i++) {
        double value = level + 100 * random.nextDouble(-1.5, 1.5);
        if (random.nextInt(40) == 0) {
          value += random.nextDouble(2000, 10_000);
        }
        boolean missing = i % 101 == 17 || random.nextInt(100) == 0;
        raw[i] = missing ? MISSING[random.nextInt(MISSING.length)] : (float) value;
      }
      float[] overscan = numbers(rows, 0, 1, random);
      frames[k] =
          new TrimmedFrame(
              k, raw, 1 + stride, stride, width, rows, overscan, bias, 60_000, 1, Double.NaN);
      frames[k].copy(0, rows, kernel.stack, k * kernel.pixels);
    }
    if (vectors) {
      kernel.inPlace = frames;
    }
    kernel.sideBySide = random.nextInt(2);
    kernel.columns = new float[rows * kernel.frames * CombineKernel.LANES];
    kernel.level = new float[kernel.pixels];
    kernel.error = new float[kernel.pixels];
    kernel.used = new short[kernel.pixels];
    return kernel;
  }

  /** A bias close to nothing, which some pixels lack. */
  private static Master masterBias(int rows, int width, SplittableRandom random) {
    short[] used = new short[rows * width];
    for (int i = 0; i < used.length; i++) {
      used[i] = (short) (random.nextInt(50) == 0 ? 0 : 9);
    }
    float[] level = numbers(used.length, 0, 1, random);
    return new Master(level, level, used, width, rows, 1, List.of(), List.of());
  }

  private static float[] numbers(int count, double from, double range, SplittableRandom random) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) (from + range * random.nextDouble());
    }
    return numbers;
  }
}

package org.starmill.calibrate;

import java.util.SplittableRandom;
import org.starmill.image.Detector;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

/** A camera that draws raw frames for the tests: 32 overscan columns beside the data, whole ADU. */
final class Camera {
  static final int WIDTH = 211;
  static final int HEIGHT = 307;
  static final int OVERSCAN = 32;
  static final double GAIN = 6.2;
  static final double READ_NOISE = 10;
  static final double LEVEL = 1000;
  static final double SATURATION = 60_000;

  private final SplittableRandom random;
  final int width;
  final int height;
  final double[] rowLevel;
  final double[] structure;
  final double[] response;

  Camera(long seed) {
    this(seed, WIDTH, HEIGHT);
  }

  Camera(long seed, int width, int height) {
    random = new SplittableRandom(seed);
    this.width = width;
    this.height = height;
    rowLevel = new double[height];
    structure = new double[width * height];
    response = new double[width * height];
    for (int y = 0; y < height; y++) {
      rowLevel[y] = LEVEL + 2 * Math.sin(y / 60.0);
      for (int x = 0; x < width; x++) {
        structure[y * width + x] = 5 * Math.exp(-x / 20.0) + 0.5 * random.nextGaussian();
        double r2 =
            (Math.pow(x - width / 2.0, 2) + Math.pow(y - height / 2.0, 2)) / height / height;
        response[y * width + x] = (1 - 0.3 * r2) * (1 + 0.01 * random.nextGaussian());
      }
    }
  }

  Detector detector() {
    return new Detector(GAIN, READ_NOISE, SATURATION, java.util.List.of());
  }

  RawFrame bias() {
    return frame(null);
  }

  RawFrame flat(double level) {
    double[] light = new double[width * height];
    for (int i = 0; i < light.length; i++) {
      light[i] = level * GAIN * response[i];
    }
    return frame(light);
  }

  /** A frame of the given light: electrons expected in each pixel; null for none. */
  RawFrame frame(double[] light) {
    int rawWidth = width + OVERSCAN;
    float[] raw = new float[rawWidth * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < rawWidth; x++) {
        double value = rowLevel[y] + READ_NOISE / GAIN * random.nextGaussian();
        if (x < width) {
          int i = y * width + x;
          value += structure[i] + (light == null ? 0 : poisson(light[i]) / GAIN);
        }
        raw[y * rawWidth + x] = (float) Math.min(65_535, Math.rint(value));
      }
    }
    return new RawFrame(
        raw,
        rawWidth,
        height,
        new Section(0, 0, width, height),
        new Section(width, 0, OVERSCAN, height),
        detector());
  }

  /** Counts of a Poisson process; above 50 by its Gaussian limit with the skewness put right. */
  private double poisson(double mean) {
    if (mean > 50) {
      double z = random.nextGaussian();
      return Math.max(0, Math.rint(mean + Math.sqrt(mean) * z + (z * z - 1) / 6));
    }
    double limit = Math.exp(-mean);
    double product = random.nextDouble();
    int count = 0;
    while (product > limit) {
      product *= random.nextDouble();
      count++;
    }
    return count;
  }
}

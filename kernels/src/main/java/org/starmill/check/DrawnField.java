package org.starmill.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.starmill.image.Detector;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

/**
 * Draws frames to be timed on: bias, flats, and a field of Moffat stars on a bright sky.
 *
 * <p>Numbers of stars by flux fall as in the Milky Way (N(&gt;F) as 1/F). Good enough to give every
 * step the work that it has on a survey's image; accuracy is measured on the simulated camera of
 * the module sample-data, which has all that a real one has.
 */
final class DrawnField {
  private static final int OVERSCAN = 32;
  private static final double GAIN = 6.2;
  private static final double READ_NOISE = 10;
  private static final double BIAS = 500;
  private static final double SKY = 1240;
  private static final double FLAT = 60_000;
  private static final double FAINTEST = 300;
  private static final double BRIGHTEST = 3e5;
  private static final double BETA = 3;
  private static final double FWHM = 2;
  private static final int REACH = 12;

  private final int width;
  private final int height;
  private final int stars;
  private final SplittableRandom random;

  /**
   * Plans a field; the same seed draws the same frames.
   *
   * @param width columns that see light
   */
  DrawnField(int width, int height, int stars, long seed) {
    this.width = width;
    this.height = height;
    this.stars = stars;
    this.random = new SplittableRandom(seed);
  }

  /** Frames without light. */
  List<RawFrame> biases(int count) {
    return frames(count, 0);
  }

  /** Frames of an evenly lit screen. */
  List<RawFrame> flats(int count) {
    return frames(count, FLAT);
  }

  private List<RawFrame> frames(int count, double light) {
    List<RawFrame> frames = new ArrayList<>();
    float[] electrons = new float[width * height];
    Arrays.fill(electrons, (float) light);
    for (int i = 0; i < count; i++) {
      frames.add(readOut(electrons));
    }
    return frames;
  }

  /** The stars. */
  RawFrame science() {
    float[] electrons = new float[width * height];
    Arrays.fill(electrons, (float) SKY);
    double s = 4 * (Math.pow(2, 1 / BETA) - 1) / (FWHM * FWHM);
    double norm = (BETA - 1) * s / Math.PI;
    for (int star = 0; star < stars; star++) {
      double x = random.nextDouble(-0.5, width - 0.5);
      double y = random.nextDouble(-0.5, height - 0.5);
      double flux = FAINTEST / (1 - random.nextDouble() * (1 - FAINTEST / BRIGHTEST));
      int cx = (int) Math.round(x);
      int cy = (int) Math.round(y);
      for (int py = Math.max(0, cy - REACH); py <= Math.min(height - 1, cy + REACH); py++) {
        for (int px = Math.max(0, cx - REACH); px <= Math.min(width - 1, cx + REACH); px++) {
          double light = 0;
          for (int k = 0; k < 9; k++) {
            double dx = px - x + (k % 3 - 1) / 3.0;
            double dy = py - y + (k / 3 - 1) / 3.0;
            double u = 1 + s * (dx * dx + dy * dy);
            light += norm / (u * u * u) / 9;
          }
          electrons[py * width + px] += (float) (flux * light);
        }
      }
    }
    return readOut(electrons);
  }

  /** Adds photon and read noise, gain and bias, and an overscan to the right. */
  private RawFrame readOut(float[] electrons) {
    int columns = width + OVERSCAN;
    float[] adu = new float[columns * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < columns; x++) {
        double lit = x < width ? electrons[y * width + x] : 0;
        double noise = Math.sqrt(lit + READ_NOISE * READ_NOISE) * gaussian();
        adu[y * columns + x] = (float) Math.rint(BIAS + (lit + noise) / GAIN);
      }
    }
    return new RawFrame(
        adu,
        columns,
        height,
        new Section(0, 0, width, height),
        new Section(width, 0, OVERSCAN, height),
        new Detector(GAIN, READ_NOISE, 60_000, List.of()));
  }

  /** A normal deviate: the sum of four uniform ones is near enough and quick. */
  private double gaussian() {
    long bits = random.nextLong();
    long sum = (bits & 0xffff) + (bits >>> 16 & 0xffff) + (bits >>> 32 & 0xffff) + (bits >>> 48);
    return (sum - 2 * 65_535.0) / 65_536.0 * Math.sqrt(3);
  }
}

package org.starmill.calibrate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.starmill.calibrate.Master.Rejection;
import org.starmill.device.Device;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

/**
 * Builds master biases and master flats from raw frames.
 *
 * <p>Takes the frames one at a time and keeps of each only its trimmed image, overscan subtracted;
 * leaves out frames that do not fit the others, with a reason; and combines the rest pixel by pixel
 * by a sigma-clipped mean. Each flat frame is divided by its own median first and all count alike:
 * where the frames of a set have similar levels, as those of a lamp have, weights by photon counts
 * would gain nothing, and a frame twice as bright as its fellows loses 12 % of variance at most.
 *
 * <p>The noise that values are clipped with is the scatter between successive frames, pooled over
 * the image; for flats it goes with the square root of the response, as photon noise does. The
 * error of a pixel joins this with the pixel's own scatter (weights as in an empirical Bayes
 * estimate with a prior of four degrees of freedom, Smyth 2004): with three frames a pixel's own
 * scatter alone says little.
 *
 * <p>Not safe for use by several threads at once.
 */
public final class MasterBuilder {
  private static final int SAMPLE = 20_000;
  private static final int MESH = 16;
  private static final double MOST_SATURATED = 0.05;
  private static final double FAINTEST_FLAT = 20;
  private static final double LEVEL_SIGMA = 5;
  private static final double SHAPE_SIGMA = 5;
  private static final double SHAPE_TOLERANCE = 0.05;
  private static final float LOWEST_RESPONSE = 0.05f;

  private final Device device;
  private final MasterSettings settings;
  private final CombineKernel kernel = new CombineKernel();

  public MasterBuilder(Device device, MasterSettings settings) {
    this.device = device;
    this.settings = settings;
  }

  /**
   * Combines bias frames.
   *
   * <p>A frame is left out where its size is not that of most frames, or where its level after
   * overscan subtraction departs from the median of all by more than the read noise and by more
   * than five standard deviations of their scatter.
   *
   * @param frames read until {@link MasterSettings#maximumFrames} of them could be used
   * @return ADU, with the read noise of a single frame
   * @throws ImageRejected "too few bias frames", with the counts and the reasons
   */
  public Master bias(Iterable<RawFrame> frames) {
    List<Rejection> rejected = new ArrayList<>();
    List<Plane> planes = sameSize(read(frames, null, rejected), rejected);
    if (planes.size() >= settings.minimumFrames()) {
      planes = sameLevel(planes, rejected);
    }
    demandEnough("bias", planes, rejected);
    double noise = scatter(planes, false);
    Planes combined = combine(planes, noise, false);
    return combined.master(noise, planes, rejected);
  }

  /**
   * Combines flat frames into the relative response of the pixels.
   *
   * <p>A frame is left out where its size is not the bias's, where more than 5 % of its pixels are
   * saturated, where its median is below 20 times the read noise, or where its shape (medians over
   * 16 x 16 boxes) departs from that of the others by more than 5 % and by more than five times
   * what is usual among them.
   *
   * @param frames read until {@link MasterSettings#maximumFrames} of them could be used
   * @return relative response, the median of the pixels with a value exactly 1
   * @throws ImageRejected "too few flat frames", with the counts and the reasons
   */
  public Master flat(Iterable<RawFrame> frames, Master bias) {
    List<Rejection> rejected = new ArrayList<>();
    List<Plane> planes = read(frames, bias, rejected);
    if (planes.size() >= settings.minimumFrames()) {
      planes = sameShape(planes, rejected);
    }
    demandEnough("flat", planes, rejected);
    Planes combined = combine(planes, scatter(planes, true), true);
    combined.normalise();
    return combined.master(Double.NaN, planes, rejected);
  }

  /** The trimmed image of a frame, with {@link CombineKernel#MISSING} where it has no value. */
  private record Plane(int frame, float[] values, int width, int height, double level) {}

  private List<Plane> read(Iterable<RawFrame> frames, Master bias, List<Rejection> rejected) {
    List<Plane> planes = new ArrayList<>();
    int position = 0;
    for (RawFrame frame : frames) {
      try {
        planes.add(bias == null ? biasPlane(position, frame) : flatPlane(position, frame, bias));
      } catch (ImageRejected unfit) {
        rejected.add(new Rejection(position, unfit.getMessage()));
      }
      position++;
      if (planes.size() == settings.maximumFrames()) {
        return planes;
      }
    }
    return planes;
  }

  private Plane biasPlane(int position, RawFrame frame) {
    Section data = frame.data();
    float[] values = trim(frame);
    return new Plane(position, values, data.width(), data.height(), level(values));
  }

  private Plane flatPlane(int position, RawFrame frame, Master bias) {
    Section data = frame.data();
    if (data.width() != bias.width() || data.height() != bias.height()) {
      throw new ImageRejected(
          "wrong size",
          "%d x %d pixels, its bias has %d x %d"
              .formatted(data.width(), data.height(), bias.width(), bias.height()));
    }
    float[] values = trim(frame);
    double saturation = frame.detector().saturation();
    int saturated = 0;
    for (int y = 0, i = 0; y < data.height(); y++) {
      int raw = (data.y() + y) * frame.width() + data.x();
      for (int x = 0; x < data.width(); x++, i++) {
        if (frame.pixels()[raw + x] >= saturation) {
          saturated++;
          values[i] = CombineKernel.MISSING;
        } else if (bias.used()[i] == 0) {
          values[i] = CombineKernel.MISSING;
        } else {
          values[i] -= bias.level()[i];
        }
      }
    }
    if (saturated > MOST_SATURATED * values.length) {
      throw new ImageRejected(
          "saturated",
          "%.0f %% of its pixels reach %.0f ADU, at most %.0f %% may"
              .formatted(100.0 * saturated / values.length, saturation, 100 * MOST_SATURATED));
    }
    double level = level(values);
    double readNoise =
        bias.readNoise() > 0
            ? bias.readNoise()
            : frame.detector().readNoise() / frame.detector().gain();
    if (!(level > FAINTEST_FLAT * readNoise)) {
      throw new ImageRejected(
          "too faint",
          "median of %.1f ADU above the bias, expected at least %.1f (%.0f times the read noise)"
              .formatted(level, FAINTEST_FLAT * readNoise, FAINTEST_FLAT));
    }
    float scale = (float) (1 / level);
    for (int i = 0; i < values.length; i++) {
      if (values[i] < CombineKernel.MISSING) {
        values[i] *= scale;
      }
    }
    return new Plane(position, values, data.width(), data.height(), level);
  }

  private float[] trim(RawFrame frame) {
    Section data = frame.data();
    float[] overscan = settings.overscan().levels(frame);
    float[] values = new float[data.width() * data.height()];
    for (int y = 0, i = 0; y < data.height(); y++) {
      int raw = (data.y() + y) * frame.width() + data.x();
      for (int x = 0; x < data.width(); x++, i++) {
        float value = frame.pixels()[raw + x];
        values[i] = Math.abs(value) < 1e28f ? value - overscan[y] : CombineKernel.MISSING;
      }
    }
    return values;
  }

  /** The median of a sample of the pixels. */
  private static double level(float[] values) {
    int step = step(values.length, 10 * SAMPLE);
    float[] sample = new float[values.length / step + 1];
    int count = 0;
    for (int i = 0; i < values.length; i += step) {
      if (values[i] < CombineKernel.MISSING) {
        sample[count++] = values[i];
      }
    }
    if (count == 0) {
      throw new ImageRejected("no data", "its data section holds no finite value");
    }
    return Selection.median(sample, count);
  }

  /** An odd step that takes about that many of the pixels, in all columns. */
  private static int step(int pixels, int sample) {
    return Math.max(1, pixels / sample) | 1;
  }

  private static List<Plane> sameSize(List<Plane> planes, List<Rejection> rejected) {
    Map<List<Integer>, Integer> counts = new HashMap<>();
    for (Plane plane : planes) {
      counts.merge(List.of(plane.width(), plane.height()), 1, Integer::sum);
    }
    if (counts.size() < 2) {
      return planes;
    }
    Comparator<Map.Entry<List<Integer>, Integer>> byCount = Map.Entry.comparingByValue();
    List<Integer> usual =
        counts.entrySet().stream()
            .max(byCount.thenComparing(entry -> entry.getKey().get(0) * entry.getKey().get(1)))
            .orElseThrow()
            .getKey();
    List<Plane> kept = new ArrayList<>();
    for (Plane plane : planes) {
      if (List.of(plane.width(), plane.height()).equals(usual)) {
        kept.add(plane);
      } else {
        rejected.add(
            new Rejection(
                plane.frame(),
                "wrong size: %d x %d pixels, most frames have %d x %d"
                    .formatted(plane.width(), plane.height(), usual.get(0), usual.get(1))));
      }
    }
    return kept;
  }

  private static List<Plane> sameLevel(List<Plane> planes, List<Rejection> rejected) {
    double[] levels = planes.stream().mapToDouble(Plane::level).toArray();
    double usual = median(levels);
    double spread =
        1.4826 * median(Arrays.stream(levels).map(level -> Math.abs(level - usual)).toArray());
    double tolerance = Math.max(LEVEL_SIGMA * spread, scatter(planes, false));
    List<Plane> kept = new ArrayList<>();
    for (Plane plane : planes) {
      if (Math.abs(plane.level() - usual) <= tolerance) {
        kept.add(plane);
      } else {
        rejected.add(
            new Rejection(
                plane.frame(),
                "level off: %.2f ADU after overscan subtraction, the others have %.2f within %.2f"
                    .formatted(plane.level(), usual, tolerance)));
      }
    }
    return kept;
  }

  private static List<Plane> sameShape(List<Plane> planes, List<Rejection> rejected) {
    List<double[]> shapes = planes.stream().map(MasterBuilder::shape).toList();
    double[] usual = new double[MESH * MESH];
    for (int i = 0; i < usual.length; i++) {
      int box = i;
      usual[i] = median(shapes.stream().mapToDouble(shape -> shape[box]).toArray());
    }
    double[] departures = new double[planes.size()];
    for (int k = 0; k < departures.length; k++) {
      double sum = 0;
      int count = 0;
      for (int i = 0; i < usual.length; i++) {
        double departure = shapes.get(k)[i] - usual[i];
        if (!Double.isNaN(departure)) {
          sum += departure * departure;
          count++;
        }
      }
      departures[k] = Math.sqrt(sum / Math.max(1, count));
    }
    double tolerance = Math.max(SHAPE_TOLERANCE, SHAPE_SIGMA * median(departures));
    List<Plane> kept = new ArrayList<>();
    for (int k = 0; k < departures.length; k++) {
      if (departures[k] <= tolerance) {
        kept.add(planes.get(k));
      } else {
        rejected.add(
            new Rejection(
                planes.get(k).frame(),
                "other shape: departs from the other flats by %.1f %% rms over the image, at most %.1f %% may"
                    .formatted(100 * departures[k], 100 * tolerance)));
      }
    }
    return kept;
  }

  /** Medians over a mesh of boxes; NaN where a box has no value. */
  private static double[] shape(Plane plane) {
    double[] shape = new double[MESH * MESH];
    float[] sample = new float[1024];
    for (int row = 0; row < MESH; row++) {
      for (int column = 0; column < MESH; column++) {
        int x0 = column * plane.width() / MESH;
        int x1 = (column + 1) * plane.width() / MESH;
        int y0 = row * plane.height() / MESH;
        int y1 = (row + 1) * plane.height() / MESH;
        int size = (x1 - x0) * (y1 - y0);
        int count = 0;
        for (int i = 0; i < size && count < sample.length; i += step(size, 1000)) {
          float value = plane.values()[(y0 + i / (x1 - x0)) * plane.width() + x0 + i % (x1 - x0)];
          if (value < CombineKernel.MISSING) {
            sample[count++] = value;
          }
        }
        shape[row * MESH + column] = count == 0 ? Double.NaN : Selection.median(sample, count);
      }
    }
    return shape;
  }

  private static double median(double[] values) {
    double[] sorted =
        Arrays.stream(values).filter(value -> !Double.isNaN(value)).sorted().toArray();
    int n = sorted.length;
    return n == 0 ? Double.NaN : 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
  }

  private void demandEnough(String kind, List<Plane> planes, List<Rejection> rejected) {
    if (planes.size() >= settings.minimumFrames()) {
      return;
    }
    String reasons =
        rejected.stream()
            .map(rejection -> "frame %d %s".formatted(rejection.frame(), rejection.reason()))
            .collect(Collectors.joining("; "));
    throw new ImageRejected(
        "too few %s frames".formatted(kind),
        "%d of %d could be used, expected at least %d%s"
            .formatted(
                planes.size(),
                planes.size() + rejected.size(),
                settings.minimumFrames(),
                reasons.isEmpty() ? "" : "; left out: " + reasons));
  }

  /**
   * The standard deviation of one frame, from the differences of successive frames.
   *
   * <p>Differences know nothing of the fixed pattern. They are clipped at four standard deviations,
   * and the result is corrected for what the clip takes from a Gaussian's variance.
   *
   * @param photons whether the noise goes with the square root of the value: then that of value 1
   */
  private static double scatter(List<Plane> planes, boolean photons) {
    int pixels = planes.get(0).values().length;
    int step = step(pixels, SAMPLE);
    float[] differences = new float[(pixels / step + 1) * (planes.size() - 1)];
    int count = 0;
    for (int k = 1; k < planes.size(); k++) {
      float[] first = planes.get(k - 1).values();
      float[] second = planes.get(k).values();
      float apart = photons ? 0 : (float) (planes.get(k).level() - planes.get(k - 1).level());
      for (int i = 0; i < pixels; i += step) {
        float a = first[i];
        float b = second[i];
        if (a < CombineKernel.MISSING && b < CombineKernel.MISSING) {
          float response = photons ? 0.5f * (a + b) : 1f;
          if (response >= LOWEST_RESPONSE) {
            differences[count++] = (b - a - apart) / (float) Math.sqrt(2 * response);
          }
        }
      }
    }
    if (count == 0) {
      return 0;
    }
    float[] sizes = new float[count];
    for (int i = 0; i < count; i++) {
      sizes[i] = Math.abs(differences[i]);
    }
    double sigma = Selection.select(sizes, count, (int) (0.6827 * count));
    double centre = 0;
    for (int pass = 0; pass < 6; pass++) {
      double sum = 0;
      double squares = 0;
      int kept = 0;
      for (int i = 0; i < count; i++) {
        double difference = differences[i] - centre;
        if (Math.abs(difference) <= 4 * sigma) {
          sum += difference;
          squares += difference * difference;
          kept++;
        }
      }
      double mean = sum / kept;
      centre += mean;
      sigma = Math.sqrt(Math.max(0, squares / kept - mean * mean) / 0.99893);
    }
    return sigma;
  }

  /**
   * Runs the kernel over the image, strip by strip, so that a strip of all frames stays in cache.
   */
  private Planes combine(List<Plane> planes, double noise, boolean photons) {
    int width = planes.get(0).width();
    int height = planes.get(0).height();
    Planes combined = new Planes(width, height);
    int pixels = width * height;
    int strip = device.isOpenCl() ? Math.max(1, (1 << 26) / planes.size()) : 1 << 15;
    strip = Math.min(pixels, strip);
    kernel.stack = new float[strip * planes.size()];
    kernel.level = new float[strip];
    kernel.error = new float[strip];
    kernel.used = new int[strip];
    kernel.frames = planes.size();
    kernel.block = device.isOpenCl() ? 1 : 256;
    kernel.clip = (float) settings.clip();
    kernel.iterations = settings.iterations();
    kernel.noise = (float) noise;
    kernel.photons = photons ? 1 : 0;
    for (int start = 0; start < pixels; start += strip) {
      int count = Math.min(strip, pixels - start);
      kernel.pixels = count;
      for (int k = 0; k < planes.size(); k++) {
        System.arraycopy(planes.get(k).values(), start, kernel.stack, k * count, count);
      }
      device.run(kernel, (count + kernel.block - 1) / kernel.block);
      System.arraycopy(kernel.level, 0, combined.level, start, count);
      System.arraycopy(kernel.error, 0, combined.error, start, count);
      for (int i = 0; i < count; i++) {
        combined.used[start + i] = (short) kernel.used[i];
      }
    }
    // A builder lives long, its strips need not.
    kernel.stack = null;
    return combined;
  }

  /** The planes of a master. */
  private static final class Planes {
    final int width;
    final int height;
    final float[] level;
    final float[] error;
    final short[] used;

    Planes(int width, int height) {
      this.width = width;
      this.height = height;
      level = new float[width * height];
      error = new float[width * height];
      used = new short[width * height];
    }

    /** Divides by the median of the pixels with a value: one of them, so that it becomes 1. */
    void normalise() {
      float[] good = new float[level.length];
      int count = 0;
      for (int i = 0; i < level.length; i++) {
        if (used[i] > 0) {
          good[count++] = level[i];
        }
      }
      float median = count == 0 ? 0 : Selection.select(good, count, (count - 1) / 2);
      if (!(median > 0)) {
        throw new ImageRejected(
            "flat without light",
            "the median of its %d pixels with a value is %s, expected about 1"
                .formatted(count, median));
      }
      for (int i = 0; i < level.length; i++) {
        level[i] /= median;
        error[i] /= median;
      }
    }

    Master master(double readNoise, List<Plane> planes, List<Rejection> rejected) {
      rejected.sort(Comparator.comparingInt(Rejection::frame));
      List<Integer> frames = planes.stream().map(Plane::frame).toList();
      return new Master(level, error, used, width, height, readNoise, frames, rejected);
    }
  }
}

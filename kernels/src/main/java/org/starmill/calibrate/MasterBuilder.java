package org.starmill.calibrate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.starmill.calibrate.Master.FrameShare;
import org.starmill.calibrate.Master.Rejection;
import org.starmill.device.Device;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

/**
 * Builds master biases and master flats from raw frames.
 *
 * <p>Takes the frames one at a time, leaves out those that do not fit the others, with a reason,
 * and combines the rest pixel by pixel by a sigma-clipped mean. It works on the frames' own pixels,
 * which must stay as they are until the master is there, and holds besides them a strip of all
 * frames at most. Each flat frame is divided by its own median first and all count alike: where the
 * frames of a set have similar levels, as those of a lamp have, weights by photon counts would gain
 * nothing, and a frame twice as bright as its fellows loses 12 % of variance at most.
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
    List<TrimmedFrame> fitting = sameSize(read(frames, null, rejected), rejected);
    List<TrimmedFrame> used = fitting;
    double noise = Double.NaN;
    if (fitting.size() >= settings.minimumFrames()) {
      noise = scatter(fitting, false);
      used = sameLevel(fitting, noise, rejected);
    }
    demandEnough("bias", used, rejected);
    if (used.size() < fitting.size()) {
      noise = scatter(used, false);
    }
    Planes combined = combine(used, noise, false);
    return combined.master(noise, used, rejected, combined.clipped(used));
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
    List<TrimmedFrame> used = read(frames, bias, rejected);
    if (used.size() >= settings.minimumFrames()) {
      used = sameShape(used, rejected);
    }
    demandEnough("flat", used, rejected);
    Planes combined = combine(used, scatter(used, true), true);
    long[] clipped = combined.clipped(used);
    combined.normalise();
    return combined.master(Double.NaN, used, rejected, clipped);
  }

  private List<TrimmedFrame> read(
      Iterable<RawFrame> frames, Master bias, List<Rejection> rejected) {
    List<TrimmedFrame> read = new ArrayList<>();
    int position = 0;
    for (RawFrame frame : frames) {
      try {
        read.add(bias == null ? biasFrame(position, frame) : flatFrame(position, frame, bias));
      } catch (ImageRejected unfit) {
        rejected.add(new Rejection(position, unfit.getMessage()));
      }
      position++;
      if (read.size() == settings.maximumFrames()) {
        return read;
      }
    }
    return read;
  }

  private TrimmedFrame biasFrame(int position, RawFrame raw) {
    TrimmedFrame frame = TrimmedFrame.of(position, raw, settings.overscan(), null);
    return frame.with(frame.median(step(frame, 10 * SAMPLE)), 1);
  }

  private TrimmedFrame flatFrame(int position, RawFrame raw, Master bias) {
    Section data = raw.data();
    if (data.width() != bias.width() || data.height() != bias.height()) {
      throw new ImageRejected(
          "wrong size",
          "%d x %d pixels, its bias has %d x %d"
              .formatted(data.width(), data.height(), bias.width(), bias.height()));
    }
    TrimmedFrame frame = TrimmedFrame.of(position, raw, settings.overscan(), bias);
    double saturated = frame.saturated() / ((double) frame.width() * frame.height());
    if (saturated > MOST_SATURATED) {
      throw new ImageRejected(
          "saturated",
          "%.0f %% of its pixels reach %.0f ADU, at most %.0f %% may"
              .formatted(100 * saturated, raw.detector().saturation(), 100 * MOST_SATURATED));
    }
    double level = frame.median(step(frame, 10 * SAMPLE));
    double readNoise =
        bias.readNoise() > 0
            ? bias.readNoise()
            : raw.detector().readNoise() / raw.detector().gain();
    if (!(level > FAINTEST_FLAT * readNoise)) {
      throw new ImageRejected(
          "too faint",
          "median of %.1f ADU above the bias, expected at least %.1f (%.0f times the read noise)"
              .formatted(level, FAINTEST_FLAT * readNoise, FAINTEST_FLAT));
    }
    return frame.with(level, (float) (1 / level));
  }

  /** An odd step that takes about that many of the pixels, in all columns. */
  private static int step(TrimmedFrame frame, int sample) {
    return step(frame.width() * frame.height(), sample);
  }

  private static int step(int pixels, int sample) {
    return Math.max(1, pixels / sample) | 1;
  }

  private static List<TrimmedFrame> sameSize(List<TrimmedFrame> frames, List<Rejection> rejected) {
    Map<List<Integer>, Integer> counts = new HashMap<>();
    for (TrimmedFrame plane : frames) {
      counts.merge(List.of(plane.width(), plane.height()), 1, Integer::sum);
    }
    if (counts.size() < 2) {
      return frames;
    }
    Comparator<Map.Entry<List<Integer>, Integer>> byCount = Map.Entry.comparingByValue();
    List<Integer> usual =
        counts.entrySet().stream()
            .max(byCount.thenComparing(entry -> entry.getKey().get(0) * entry.getKey().get(1)))
            .orElseThrow()
            .getKey();
    List<TrimmedFrame> kept = new ArrayList<>();
    for (TrimmedFrame plane : frames) {
      if (List.of(plane.width(), plane.height()).equals(usual)) {
        kept.add(plane);
      } else {
        rejected.add(
            new Rejection(
                plane.position(),
                "wrong size: %d x %d pixels, most frames have %d x %d"
                    .formatted(plane.width(), plane.height(), usual.get(0), usual.get(1))));
      }
    }
    return kept;
  }

  private static List<TrimmedFrame> sameLevel(
      List<TrimmedFrame> frames, double noise, List<Rejection> rejected) {
    double[] levels = frames.stream().mapToDouble(TrimmedFrame::level).toArray();
    double usual = median(levels);
    double spread =
        1.4826 * median(Arrays.stream(levels).map(level -> Math.abs(level - usual)).toArray());
    double tolerance = Math.max(LEVEL_SIGMA * spread, noise);
    List<TrimmedFrame> kept = new ArrayList<>();
    for (TrimmedFrame plane : frames) {
      if (Math.abs(plane.level() - usual) <= tolerance) {
        kept.add(plane);
      } else {
        rejected.add(
            new Rejection(
                plane.position(),
                "level off: %.2f ADU after overscan subtraction, the others have %.2f within %.2f"
                    .formatted(plane.level(), usual, tolerance)));
      }
    }
    return kept;
  }

  private static List<TrimmedFrame> sameShape(List<TrimmedFrame> frames, List<Rejection> rejected) {
    List<double[]> shapes = frames.stream().map(MasterBuilder::shape).toList();
    double[] usual = new double[MESH * MESH];
    for (int i = 0; i < usual.length; i++) {
      int box = i;
      usual[i] = median(shapes.stream().mapToDouble(shape -> shape[box]).toArray());
    }
    double[] departures = new double[frames.size()];
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
    List<TrimmedFrame> kept = new ArrayList<>();
    for (int k = 0; k < departures.length; k++) {
      if (departures[k] <= tolerance) {
        kept.add(frames.get(k));
      } else {
        rejected.add(
            new Rejection(
                frames.get(k).position(),
                "other shape: departs from the other flats by %.1f %% rms over the image, at most %.1f %% may"
                    .formatted(100 * departures[k], 100 * tolerance)));
      }
    }
    return kept;
  }

  /** Medians over a mesh of boxes; NaN where a box has no value. */
  private static double[] shape(TrimmedFrame plane) {
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
          float value = plane.value(x0 + i % (x1 - x0), y0 + i / (x1 - x0));
          if (value < TrimmedFrame.MISSING) {
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

  private void demandEnough(String kind, List<TrimmedFrame> frames, List<Rejection> rejected) {
    if (frames.size() >= settings.minimumFrames()) {
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
                frames.size(),
                frames.size() + rejected.size(),
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
  private static double scatter(List<TrimmedFrame> frames, boolean photons) {
    int step = step(frames.get(0), SAMPLE);
    float[] before = frames.get(0).sample(step);
    float[] differences = new float[before.length * (frames.size() - 1)];
    int count = 0;
    for (int k = 1; k < frames.size(); k++) {
      float[] sample = frames.get(k).sample(step);
      float apart = photons ? 0 : (float) (frames.get(k).level() - frames.get(k - 1).level());
      for (int i = 0; i < sample.length; i++) {
        float a = before[i];
        float b = sample[i];
        if (a < TrimmedFrame.MISSING && b < TrimmedFrame.MISSING) {
          float response = photons ? 0.5f * (a + b) : 1f;
          if (response >= LOWEST_RESPONSE) {
            differences[count++] = (b - a - apart) / (float) Math.sqrt(2 * response);
          }
        }
      }
      before = sample;
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
   * Runs the kernel over the image: where it has the Vector API at once, on the frames as they lie,
   * elsewhere on one strip of all frames after the other.
   */
  private Planes combine(List<TrimmedFrame> frames, double noise, boolean photons) {
    int width = frames.get(0).width();
    int height = frames.get(0).height();
    Planes combined = new Planes(width, height);
    kernel.frames = frames.size();
    kernel.clip = (float) settings.clip();
    kernel.iterations = settings.iterations();
    kernel.noise = (float) noise;
    kernel.photons = photons ? 1 : 0;
    if (device.usesVectors()) {
      kernel.inPlace = frames.toArray(TrimmedFrame[]::new);
      kernel.level = combined.level;
      kernel.error = combined.error;
      kernel.used = combined.used;
      device.run(kernel, height);
    } else {
      strips(frames, combined);
    }
    // A builder lives long, the frames and their strips need not.
    kernel.inPlace = null;
    kernel.stack = null;
    kernel.columns = new float[1];
    kernel.level = null;
    kernel.error = null;
    kernel.used = null;
    return combined;
  }

  private void strips(List<TrimmedFrame> frames, Planes combined) {
    int width = combined.width;
    boolean sideBySide = device.vectorizesLoops();
    boolean gpu = device.isOpenCl() && !sideBySide;
    int pixels = 1 << 15;
    if (gpu) {
      pixels = (1 << 26) / frames.size();
    } else if (sideBySide) {
      // So much of all frames that the processor's last cache holds it.
      pixels = (1 << 22) / frames.size();
    }
    int rows = Math.min(combined.height, Math.max(1, pixels / width));
    kernel.stack = new float[rows * width * frames.size()];
    kernel.level = new float[rows * width];
    kernel.error = new float[rows * width];
    kernel.used = new short[rows * width];
    kernel.sideBySide = sideBySide ? 1 : 0;
    kernel.block = gpu ? 1 : sideBySide ? 1024 : 256;
    int items = (rows * width + kernel.block - 1) / kernel.block;
    kernel.columns = new float[sideBySide ? items * frames.size() * CombineKernel.LANES : 1];
    for (int row = 0; row < combined.height; row += rows) {
      int count = Math.min(rows, combined.height - row) * width;
      kernel.pixels = count;
      for (int k = 0; k < frames.size(); k++) {
        frames.get(k).copy(row, count / width, kernel.stack, k * count);
      }
      device.run(kernel, (count + kernel.block - 1) / kernel.block);
      System.arraycopy(kernel.level, 0, combined.level, row * width, count);
      System.arraycopy(kernel.error, 0, combined.error, row * width, count);
      System.arraycopy(kernel.used, 0, combined.used, row * width, count);
    }
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
      int count = 0;
      for (short frames : used) {
        count += frames > 0 ? 1 : 0;
      }
      float median = count == 0 ? 0 : select((count - 1) / 2);
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

    /**
     * The level that so many pixels with a value lie below: counts by the upper half of the bits of
     * a float, then by the lower half, so that no plane is copied to be sorted.
     */
    private float select(int rank) {
      int[] counts = new int[1 << 16];
      for (int i = 0; i < level.length; i++) {
        if (used[i] > 0) {
          counts[(ordered(level[i]) >> 16) + (1 << 15)]++;
        }
      }
      int upper = 0;
      int left = rank;
      while (left >= counts[upper]) {
        left -= counts[upper++];
      }
      upper -= 1 << 15;
      Arrays.fill(counts, 0);
      for (int i = 0; i < level.length; i++) {
        int key = ordered(level[i]);
        if (key >> 16 == upper && used[i] > 0) {
          counts[key & 0xffff]++;
        }
      }
      int lower = 0;
      while (left >= counts[lower]) {
        left -= counts[lower++];
      }
      int key = upper << 16 | lower;
      return Float.intBitsToFloat(key ^ (key >> 31 & Integer.MAX_VALUE));
    }

    /** The bits of a float, turned so that integers sort as the floats do. */
    private static int ordered(float value) {
      int bits = Float.floatToRawIntBits(value);
      return bits ^ (bits >> 31 & Integer.MAX_VALUE);
    }

    /**
     * How many values of each frame were clipped.
     *
     * <p>The kernel tells how many of a pixel's values it kept, and the level is their mean:
     * clipped are as many as are missing, those furthest from it. Few pixels have any, so that
     * nearly all are passed over by one comparison.
     */
    long[] clipped(List<TrimmedFrame> frames) {
      long[] clipped = new long[frames.size()];
      float[] departures = new float[clipped.length];
      for (int y = 0, i = 0; y < height; y++) {
        for (int x = 0; x < width; x++, i++) {
          if (used[i] == clipped.length) {
            continue;
          }
          int missing = -used[i];
          for (int k = 0; k < departures.length; k++) {
            float value = frames.get(k).value(x, y);
            boolean present = Math.abs(value) < CombineKernel.PRESENT;
            departures[k] = present ? Math.abs(value - level[i]) : -1;
            missing += present ? 1 : 0;
          }
          for (; missing > 0; missing--) {
            int furthest = 0;
            for (int k = 1; k < departures.length; k++) {
              furthest = departures[k] > departures[furthest] ? k : furthest;
            }
            clipped[furthest]++;
            departures[furthest] = -1;
          }
        }
      }
      return clipped;
    }

    Master master(
        double readNoise, List<TrimmedFrame> trimmed, List<Rejection> rejected, long[] clipped) {
      rejected.sort(Comparator.comparingInt(Rejection::frame));
      List<Integer> frames = trimmed.stream().map(TrimmedFrame::position).toList();
      List<FrameShare> shares = new ArrayList<>();
      for (int k = 0; k < clipped.length; k++) {
        shares.add(new FrameShare(trimmed.get(k).level(), clipped[k]));
      }
      return new Master(level, error, used, width, height, readNoise, frames, rejected, shares);
    }
  }
}

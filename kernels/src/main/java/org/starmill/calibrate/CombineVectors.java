package org.starmill.calibrate;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The work of {@link CombineKernel} by the Vector API, equal to it bit by bit, on frames where they
 * lie.
 *
 * <p>Neighbouring pixels are the lanes. Sums, sums of squares, lowest and highest values of a
 * stretch of a row stay in the first cache while the frames go by, each read once. The pixels with
 * a value beyond the clip are gathered and sorted, a vector of them at once; those among them that
 * lack a value go through the scalar source.
 */
final class CombineVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  /** Pixels of a stretch: its five sums are to stay in a first cache of 32 KiB. */
  private static final int STRETCH = 1024;

  private final CombineKernel kernel;
  private final TrimmedFrame[] frames;
  private final int width;
  private final boolean flats;

  private final float[] shift = new float[STRETCH];
  private final float[] sum = new float[STRETCH];
  private final float[] squares = new float[STRETCH];

  /** How far the values lie below the first, and above it; 0 and up. */
  private final float[] lowest = new float[STRETCH];

  private final float[] highest = new float[STRETCH];
  private final long[] plain = new long[STRETCH / LANES];

  /** Where a stretch of each frame begins, and what is to be subtracted from it. */
  private final float[][] line;

  private final int[] start;
  private final float[] level;

  /** The bias under a stretch, NaN where it has no value; and lines of flats less that, scaled. */
  private final float[] offset;

  private final float[][] scaled;

  /** Places in the stretch of the pixels with a value beyond the clip. */
  private final int[] beyond = new int[STRETCH];

  private int beyondCount;

  /** A vector of them, and their columns, a lane each. */
  private final int[] chosen = new int[LANES];

  private final float[] base = new float[LANES];
  private final float[] largest = new float[LANES];
  private final float[] column;
  private final float[] own;
  private final ColumnSort network;
  private final float[] centre = new float[LANES];
  private final float[] reach = new float[LANES];
  private final float[] kept = new float[LANES];
  private final float[] expected = new float[LANES];
  private final float[] spread = new float[LANES];

  /** The scalar source with the stack of one pixel. */
  private final CombineKernel alone = new CombineKernel();

  CombineVectors(CombineKernel kernel) {
    this.kernel = kernel;
    frames = kernel.inPlace;
    width = frames[0].width();
    int count = frames.length;
    line = new float[count][];
    start = new int[count];
    level = new float[count];
    flats = frames[0].bias() != null;
    offset = new float[flats ? STRETCH : 0];
    scaled = new float[flats ? 4 : 0][STRETCH];
    column = new float[count * LANES];
    own = new float[count];
    network = new ColumnSort(count);
    alone.stack = own;
    alone.frames = count;
    alone.pixels = 1;
    alone.block = 1;
    alone.clip = kernel.clip;
    alone.iterations = kernel.iterations;
    alone.noise = kernel.noise;
    alone.photons = kernel.photons;
    alone.level = new float[1];
    alone.error = new float[1];
    alone.used = new short[1];
  }

  /** Combines rows. */
  void combine(int from, int to) {
    int whole = width - width % LANES;
    for (int row = from; row < to; row++) {
      Arrays.fill(kernel.used, row * width, (row + 1) * width, (short) frames.length);
      for (int x = 0; x < whole; x += STRETCH) {
        stretch(row, x, Math.min(STRETCH, whole - x));
      }
      if (whole > 0 && whole < width) {
        // The last vector of a row shares pixels with the one before.
        stretch(row, width - LANES, LANES);
      }
      for (int x = whole; whole == 0 && x < width; x++) {
        alone(row * width + x, x, row);
      }
    }
  }

  private void stretch(int row, int x, int count) {
    if (flats) {
      biasLine(row * width + x, count);
    }
    for (int k = 0; k < frames.length; ) {
      int taken = k == 0 ? 1 : Math.min(4, frames.length - k);
      for (int i = 0; i < taken; i++) {
        TrimmedFrame frame = frames[k + i];
        line[i] = frame.pixels();
        start[i] = frame.place(x, row);
        level[i] = frame.overscan()[row];
        if (flats) {
          scale(frame, start[i], level[i], scaled[i], count);
          line[i] = scaled[i];
          start[i] = 0;
          level[i] = 0;
        }
      }
      if (k == 0) {
        begin(count);
      } else if (taken == 4) {
        addFour(count);
      } else {
        for (int i = 0; i < taken; i++) {
          add(i, count);
        }
      }
      k += taken;
    }
    int at = row * width + x;
    if (kernel.photons == 1) {
      finishPhotons(at, count);
    } else {
      finish(at, count);
    }
    long all = -1L >>> (64 - LANES);
    for (int v = 0; v < count / LANES; v++) {
      for (long left = plain[v] ^ all; left != 0; left &= left - 1) {
        beyond[beyondCount++] = v * LANES + Long.numberOfTrailingZeros(left);
      }
    }
    clipped(row, x);
  }

  private void biasLine(int at, int count) {
    float[] bias = frames[0].bias().level();
    short[] used = frames[0].bias().used();
    for (int i = 0; i < count; i++) {
      offset[i] = used[at + i] == 0 ? Float.NaN : bias[at + i];
    }
  }

  /** A flat's values, NaN where they are saturated. */
  private void scale(TrimmedFrame frame, int from, float overscan, float[] into, int count) {
    float[] pixels = frame.pixels();
    float[] bias = offset;
    float saturation = frame.saturation();
    float scale = frame.scale();
    for (int i = 0; i < count; i += LANES) {
      FloatVector raw = FloatVector.fromArray(FLOATS, pixels, from + i);
      raw.sub(overscan)
          .sub(FloatVector.fromArray(FLOATS, bias, i))
          .mul(scale)
          .blend(Float.NaN, raw.compare(VectorOperators.GE, saturation))
          .intoArray(into, i);
    }
  }

  private void begin(int count) {
    float[] values = line[0];
    int from = start[0];
    float subtracted = level[0];
    float[] into = shift;
    for (int i = 0; i < count; i += LANES) {
      FloatVector.fromArray(FLOATS, values, from + i).sub(subtracted).intoArray(into, i);
    }
    Arrays.fill(sum, 0, count, 0);
    Arrays.fill(squares, 0, count, 0);
    Arrays.fill(lowest, 0, count, 0);
    Arrays.fill(highest, 0, count, 0);
  }

  private void add(int frame, int count) {
    float[] values = line[frame];
    int from = start[frame];
    float subtracted = level[frame];
    float[] shifts = shift;
    float[] sums = sum;
    float[] sumsOfSquares = squares;
    float[] low = lowest;
    float[] high = highest;
    for (int i = 0; i < count; i += LANES) {
      FloatVector d =
          FloatVector.fromArray(FLOATS, values, from + i)
              .sub(subtracted)
              .sub(FloatVector.fromArray(FLOATS, shifts, i));
      FloatVector.fromArray(FLOATS, sums, i).add(d).intoArray(sums, i);
      FloatVector.fromArray(FLOATS, sumsOfSquares, i).add(d.mul(d)).intoArray(sumsOfSquares, i);
      FloatVector.fromArray(FLOATS, low, i).max(d.neg()).intoArray(low, i);
      FloatVector.fromArray(FLOATS, high, i).max(d).intoArray(high, i);
    }
  }

  private void addFour(int count) {
    float[] values0 = line[0];
    float[] values1 = line[1];
    float[] values2 = line[2];
    float[] values3 = line[3];
    int from0 = start[0];
    int from1 = start[1];
    int from2 = start[2];
    int from3 = start[3];
    float level0 = level[0];
    float level1 = level[1];
    float level2 = level[2];
    float level3 = level[3];
    float[] shifts = shift;
    float[] sums = sum;
    float[] sumsOfSquares = squares;
    float[] low = lowest;
    float[] high = highest;
    for (int i = 0; i < count; i += LANES) {
      FloatVector first = FloatVector.fromArray(FLOATS, shifts, i);
      FloatVector a = FloatVector.fromArray(FLOATS, values0, from0 + i).sub(level0).sub(first);
      FloatVector b = FloatVector.fromArray(FLOATS, values1, from1 + i).sub(level1).sub(first);
      FloatVector c = FloatVector.fromArray(FLOATS, values2, from2 + i).sub(level2).sub(first);
      FloatVector d = FloatVector.fromArray(FLOATS, values3, from3 + i).sub(level3).sub(first);
      FloatVector.fromArray(FLOATS, sums, i).add(a).add(b).add(c).add(d).intoArray(sums, i);
      FloatVector.fromArray(FLOATS, sumsOfSquares, i)
          .add(a.mul(a))
          .add(b.mul(b))
          .add(c.mul(c))
          .add(d.mul(d))
          .intoArray(sumsOfSquares, i);
      FloatVector.fromArray(FLOATS, low, i).max(a.min(b).min(c.min(d)).neg()).intoArray(low, i);
      FloatVector.fromArray(FLOATS, high, i).max(a.max(b).max(c.max(d))).intoArray(high, i);
    }
  }

  private void finish(int at, int count) {
    float n = frames.length;
    float reach = kernel.clip * kernel.noise;
    float prior = CombineKernel.PRIOR * kernel.noise * kernel.noise;
    float freedom = (CombineKernel.PRIOR + n - 1) * n;
    float[] levels = kernel.level;
    float[] errors = kernel.error;
    for (int i = 0; i < count; i += LANES) {
      FloatVector total = FloatVector.fromArray(FLOATS, sum, i);
      FloatVector mean = total.div(n);
      FloatVector first = FloatVector.fromArray(FLOATS, shift, i);
      FloatVector.fromArray(FLOATS, squares, i)
          .sub(total.mul(mean))
          .max(0)
          .add(prior)
          .div(freedom)
          .sqrt()
          .intoArray(errors, at + i);
      first.add(mean).intoArray(levels, at + i);
      plain[i / LANES] =
          FloatVector.fromArray(FLOATS, highest, i)
              .sub(mean)
              .compare(VectorOperators.LE, reach)
              .and(
                  mean.add(FloatVector.fromArray(FLOATS, lowest, i))
                      .compare(VectorOperators.LE, reach))
              .and(first.abs().compare(VectorOperators.LT, TrimmedFrame.BEYOND_ALL_CAMERAS))
              .toLong();
    }
  }

  private void finishPhotons(int at, int count) {
    float n = frames.length;
    float clip = kernel.clip;
    float noise = kernel.noise;
    float freedom = (CombineKernel.PRIOR + n - 1) * n;
    float[] levels = kernel.level;
    float[] errors = kernel.error;
    for (int i = 0; i < count; i += LANES) {
      FloatVector total = FloatVector.fromArray(FLOATS, sum, i);
      FloatVector mean = total.div(n);
      FloatVector first = FloatVector.fromArray(FLOATS, shift, i);
      FloatVector value = first.add(mean);
      FloatVector expected = value.max(0.01f).sqrt().mul(noise);
      FloatVector.fromArray(FLOATS, squares, i)
          .sub(total.mul(mean))
          .max(0)
          .add(expected.mul(CombineKernel.PRIOR).mul(expected))
          .div(freedom)
          .sqrt()
          .intoArray(errors, at + i);
      value.intoArray(levels, at + i);
      FloatVector reach = expected.mul(clip);
      plain[i / LANES] =
          FloatVector.fromArray(FLOATS, highest, i)
              .sub(mean)
              .compare(VectorOperators.LE, reach)
              .and(
                  mean.add(FloatVector.fromArray(FLOATS, lowest, i))
                      .compare(VectorOperators.LE, reach))
              .and(first.abs().compare(VectorOperators.LT, TrimmedFrame.BEYOND_ALL_CAMERAS))
              .toLong();
    }
  }

  /** Clips the pixels with a value beyond the clip, which are none from now on. */
  private void clipped(int row, int x) {
    for (int i = 0; i < beyondCount; i += LANES) {
      int lanes = Math.min(LANES, beyondCount - i);
      for (int lane = 0; lane < LANES; lane++) {
        chosen[lane] = beyond[i + Math.min(lane, lanes - 1)];
      }
      sort(row, x);
      for (int lane = 0; lane < lanes; lane++) {
        int pixel = row * width + x + chosen[lane];
        if (largest[lane] < TrimmedFrame.BEYOND_ALL_CAMERAS) {
          kernel.used[pixel] = (short) kept[lane];
          kernel.level[pixel] = base[lane];
          kernel.error[pixel] = spread[lane];
        } else {
          alone(pixel, x + chosen[lane], row);
        }
      }
    }
    beyondCount = 0;
  }

  /** Takes a pixel that lacks values, of some frames or all. */
  private void alone(int pixel, int x, int y) {
    for (int k = 0; k < own.length; k++) {
      own[k] = frames[k].value(x, y);
    }
    alone.item(0);
    kernel.level[pixel] = alone.level[0];
    kernel.error[pixel] = alone.error[0];
    kernel.used[pixel] = alone.used[0];
  }

  private void sort(int row, int x) {
    for (int k = 0; k < frames.length; k++) {
      TrimmedFrame frame = frames[k];
      if (flats) {
        gatherFlat(frame, frame.place(x, row), frame.overscan()[row], k * LANES);
      } else {
        gather(frame.pixels(), frame.place(x, row), frame.overscan()[row], k * LANES);
      }
    }
    lessTheFirst();
    network.sort(column);
    shortestHalf(own.length / 2 + 1);
    aboutTheMedian((own.length - 1) / 2 * LANES, own.length / 2 * LANES);
    for (int pass = 0; pass < kernel.iterations; pass++) {
      clip();
    }
    result();
  }

  private void gather(float[] pixels, int from, float overscan, int into) {
    FloatVector.fromArray(FLOATS, pixels, from, chosen, 0).sub(overscan).intoArray(column, into);
  }

  private void gatherFlat(TrimmedFrame frame, int from, float overscan, int into) {
    FloatVector raw = FloatVector.fromArray(FLOATS, frame.pixels(), from, chosen, 0);
    raw.sub(overscan)
        .sub(FloatVector.fromArray(FLOATS, offset, 0, chosen, 0))
        .mul(frame.scale())
        .blend(
            Float.NaN,
            raw.compare(VectorOperators.GE, frame.saturation())
                .or(raw.compare(VectorOperators.LE, -TrimmedFrame.BEYOND_ALL_CAMERAS)))
        .intoArray(column, into);
  }

  private void lessTheFirst() {
    float[] values = column;
    FloatVector first = FloatVector.fromArray(FLOATS, values, 0);
    FloatVector most = FloatVector.zero(FLOATS);
    for (int i = 0; i < values.length; i += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, values, i);
      most = most.max(value.abs());
      value.sub(first).intoArray(values, i);
    }
    first.intoArray(base, 0);
    most.intoArray(largest, 0);
  }

  private void shortestHalf(int most) {
    float[] values = column;
    int across = (most - 1) * LANES;
    FloatVector shortest = FloatVector.broadcast(FLOATS, Float.POSITIVE_INFINITY);
    for (int i = 0; i + across < values.length; i += LANES) {
      shortest =
          shortest.min(
              FloatVector.fromArray(FLOATS, values, i + across)
                  .sub(FloatVector.fromArray(FLOATS, values, i)));
    }
    shortest.intoArray(reach, 0);
  }

  private void aboutTheMedian(int lower, int upper) {
    FloatVector median =
        FloatVector.fromArray(FLOATS, column, lower)
            .add(FloatVector.fromArray(FLOATS, column, upper))
            .mul(0.5f);
    median.intoArray(centre, 0);
    FloatVector noise = FloatVector.broadcast(FLOATS, kernel.noise);
    if (kernel.photons == 1) {
      noise = FloatVector.fromArray(FLOATS, base, 0).add(median).max(0.01f).sqrt().mul(noise);
    }
    noise.intoArray(expected, 0);
    FloatVector.fromArray(FLOATS, reach, 0)
        .mul(CombineKernel.SHORTEST_HALF)
        .max(noise)
        .mul(kernel.clip)
        .intoArray(reach, 0);
  }

  private void clip() {
    float[] values = column;
    FloatVector about = FloatVector.fromArray(FLOATS, centre, 0);
    FloatVector within = FloatVector.fromArray(FLOATS, reach, 0);
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector one = FloatVector.broadcast(FLOATS, 1f);
    FloatVector count = zero;
    FloatVector total = zero;
    FloatVector totalOfSquares = zero;
    for (int i = 0; i < values.length; i += LANES) {
      FloatVector d = FloatVector.fromArray(FLOATS, values, i).sub(about);
      VectorMask<Float> inside = d.abs().compare(VectorOperators.LE, within);
      FloatVector taken = zero.blend(d, inside);
      count = count.add(zero.blend(one, inside));
      total = total.add(taken);
      totalOfSquares = totalOfSquares.add(taken.mul(taken));
    }
    FloatVector mean = total.div(count.max(1f));
    about.add(mean).intoArray(centre, 0);
    totalOfSquares.sub(total.mul(mean)).intoArray(spread, 0);
    count.intoArray(kept, 0);
  }

  private void result() {
    FloatVector count = FloatVector.fromArray(FLOATS, kept, 0);
    FloatVector noise = FloatVector.fromArray(FLOATS, expected, 0);
    FloatVector.fromArray(FLOATS, spread, 0)
        .max(0f)
        .add(noise.mul(CombineKernel.PRIOR).mul(noise))
        .div(count.add(CombineKernel.PRIOR).sub(1f).mul(count))
        .sqrt()
        .blend(0f, count.compare(VectorOperators.EQ, 0f))
        .intoArray(spread, 0);
    FloatVector.fromArray(FLOATS, base, 0)
        .add(FloatVector.fromArray(FLOATS, centre, 0))
        .intoArray(base, 0);
  }
}

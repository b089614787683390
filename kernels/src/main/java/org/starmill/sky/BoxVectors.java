package org.starmill.sky;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.starmill.image.PixelFlag;

/**
 * The work of {@link BoxKernel} by the Vector API.
 *
 * <p>A box is copied once, pixels that must not be used as NaN, which no comparison lets pass; all
 * passes then run over whole vectors of the copy, in the processor's nearest cache.
 */
final class BoxVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
  private static final int LANES = FLOATS.length();

  /** Vectors read beyond the last row by no more than this; what they find there is not used. */
  private static final int SLACK = 64;

  private final BoxKernel kernel;

  /** The box with its margin; rows are a whole number of vectors long. */
  private final float[] wide;

  /** The box alone. */
  private final float[] pixels;

  /** The highest and the lowest sum near each pixel, a row for two of the box. */
  private final float[] highest;

  private final float[] lowest;
  private int x0;
  private int x1;
  private int y0;
  private int y1;

  /** Length of a row with its margin, and of one alone. */
  private int wideStride;

  private int stride;

  // What the last sum gave.
  private int kept;
  private float mean;
  private float deviation;

  private BoxVectors(BoxKernel kernel) {
    this.kernel = kernel;
    int columns = longest(kernel.columnStart);
    int rows = longest(kernel.rowStart);
    int margin = 2 * (kernel.smoothing + kernel.reach);
    int wideSize = (rounded(columns + margin) + LANES) * (rows + margin) + SLACK;
    int size = rounded(columns) * rows;
    wide = new float[wideSize];
    pixels = new float[size];
    highest = new float[wideSize];
    lowest = new float[wideSize];
  }

  static void measure(BoxKernel kernel, int from, int to) {
    BoxVectors vectors = new BoxVectors(kernel);
    for (int item = from; item < to; item++) {
      vectors.measure(kernel.first + item);
    }
  }

  private static int longest(int[] starts) {
    int most = 0;
    for (int i = 1; i < starts.length; i++) {
      most = Math.max(most, starts[i] - starts[i - 1]);
    }
    return most;
  }

  private static int rounded(int length) {
    return (length + LANES - 1) / LANES * LANES;
  }

  private void measure(int box) {
    int row = box / kernel.columns;
    int column = box - row * kernel.columns;
    x0 = kernel.columnStart[column];
    x1 = kernel.columnStart[column + 1];
    y0 = kernel.rowStart[row];
    y1 = kernel.rowStart[row + 1];
    copy();

    int area = (x1 - x0) * (y1 - y0);
    float centre = firstValue();
    float sigma = 0;
    float within = 3e38f;
    int count = 0;
    boolean more = true;
    for (int pass = 0; more; pass++) {
      sumWithin(centre, within);
      float before = sigma;
      if (kept > 0) {
        centre += mean;
        sigma = deviation;
      }
      if (pass == 0) {
        count = kept;
        before = 2 * sigma;
      } else {
        sigma /= BoxKernel.CLIPPED_AT_TWO;
      }
      within = 2 * sigma;
      more =
          pass + 1 < BoxKernel.MOST_PASSES
              && Math.abs(sigma - before) > BoxKernel.SAME_NOISE * sigma;
    }
    boolean enough = count > 0 && count >= kernel.goodShare * area;
    kernel.good[box] = enough ? count : 0;
    if (enough && sigma > 0) {
      int side = 2 * kernel.smoothing + 1;
      float guess = centre;
      outliers(guess);
      float deviations = BoxKernel.OUTLYING;
      int round = 0;
      while (round < BoxKernel.ROUNDS) {
        float limit = deviations * side * sigma;
        float offset = (centre - guess) * side * side;
        sumWithout(centre, 3 * sigma, offset + limit, offset - limit);
        round++;
        if (kept > 0 && kept >= BoxKernel.LEAST_KEPT * area) {
          centre += mean;
          if (Math.abs(mean) <= BoxKernel.SAME_LEVEL * sigma) {
            round = BoxKernel.ROUNDS;
          }
          sigma = deviation / BoxKernel.CLIPPED_AT_THREE;
        } else {
          deviations *= BoxKernel.WIDER;
        }
      }
    }
    kernel.level[box] = centre;
    kernel.noise[box] = sigma;
  }

  /** Copies the box and its margin; what is unusable, or not of the image, becomes NaN. */
  private void copy() {
    int margin = kernel.smoothing + kernel.reach;
    int across = rounded(x1 - x0 + 2 * margin);
    int up = y1 - y0 + 2 * margin;
    wideStride = across + LANES;
    stride = rounded(x1 - x0);
    int left = x0 - margin;
    int first = Math.max(0, left);
    int end = Math.min(kernel.width, left + across);
    for (int v = 0; v < up; v++) {
      int y = y0 - margin + v;
      int to = v * wideStride;
      if (y < 0 || y >= kernel.height) {
        Arrays.fill(wide, to, to + across, Float.NaN);
      } else {
        for (int x = left; x < first; x++) {
          wide[to + x - left] = Float.NaN;
        }
        copyRow(y * kernel.width + first, to + first - left, end - first);
        for (int x = end; x < left + across; x++) {
          wide[to + x - left] = Float.NaN;
        }
      }
    }
    for (int v = 0; v < y1 - y0; v++) {
      int to = v * stride;
      System.arraycopy(wide, (v + margin) * wideStride + margin, pixels, to, x1 - x0);
      for (int i = to + x1 - x0; i < to + stride; i++) {
        pixels[i] = Float.NaN;
      }
    }
  }

  private void copyRow(int from, int to, int count) {
    float[] image = kernel.image;
    short[] mask = kernel.mask;
    float[] model = kernel.model;
    float[] into = wide;
    boolean useModel = kernel.useModel == 1;
    FloatVector none = FloatVector.broadcast(FLOATS, Float.NaN);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      IntVector bits =
          (IntVector)
              ShortVector.fromArray(SHORTS, mask, from + i)
                  .convertShape(VectorOperators.S2I, INTS, 0);
      // All ones, which is a NaN, where a bit is set: 0 less something positive is negative.
      IntVector unusable = bits.and(PixelFlag.UNUSABLE).neg().lanewise(VectorOperators.ASHR, 31);
      FloatVector value = FloatVector.fromArray(FLOATS, image, from + i);
      if (useModel) {
        FloatVector light = FloatVector.fromArray(FLOATS, model, from + i);
        VectorMask<Float> dark = light.compare(VectorOperators.LE, kernel.modelLimit);
        value = none.blend(value.sub(light), dark);
      }
      value = value.reinterpretAsInts().or(unusable).reinterpretAsFloats();
      value.intoArray(into, to + i);
    }
    for (; i < count; i++) {
      boolean usable =
          (mask[from + i] & PixelFlag.UNUSABLE) == 0
              && (!useModel || model[from + i] <= kernel.modelLimit);
      float light = useModel ? model[from + i] : 0f;
      into[to + i] = usable ? image[from + i] - light : Float.NaN;
    }
  }

  private float firstValue() {
    int size = stride * (y1 - y0);
    for (int i = 0; i < size; i++) {
      if (!Float.isNaN(pixels[i])) {
        return pixels[i];
      }
    }
    return 0;
  }

  private void sumWithin(float centre, float within) {
    float[] values = pixels;
    int size = stride * (y1 - y0);
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    FloatVector count = zero;
    FloatVector sum = zero;
    FloatVector squares = zero;
    for (int i = 0; i < size; i += LANES) {
      FloatVector d = FloatVector.fromArray(FLOATS, values, i).sub(centre);
      VectorMask<Float> use = d.abs().compare(VectorOperators.LE, within);
      d = zero.blend(d, use);
      count = count.add(zero.blend(one, use));
      sum = sum.add(d);
      squares = d.fma(d, squares);
    }
    keep(count, sum, squares);
  }

  private void sumWithout(float centre, float within, float most, float fewest) {
    float[] values = pixels;
    float[] high = highest;
    float[] low = lowest;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    FloatVector count = zero;
    FloatVector sum = zero;
    FloatVector squares = zero;
    int size = stride * (y1 - y0);
    int row = 0;
    int column = 0;
    for (int i = 0; i < size; i += LANES) {
      int near = row / 2 * wideStride + column;
      FloatVector d = FloatVector.fromArray(FLOATS, values, i).sub(centre);
      // How far the worst of the three is beyond its limit; NaN where the pixel is.
      FloatVector beyond =
          d.abs()
              .sub(within)
              .max(FloatVector.fromArray(FLOATS, high, near).sub(most))
              .max(FloatVector.fromArray(FLOATS, low, near).neg().add(fewest));
      VectorMask<Float> use = beyond.compare(VectorOperators.LE, 0);
      d = zero.blend(d, use);
      count = count.add(zero.blend(one, use));
      sum = sum.add(d);
      squares = d.fma(d, squares);
      column += LANES;
      if (column == stride) {
        column = 0;
        row++;
      }
    }
    keep(count, sum, squares);
  }

  private void keep(FloatVector count, FloatVector sum, FloatVector squares) {
    kept = (int) count.reduceLanes(VectorOperators.ADD);
    mean = kept == 0 ? 0 : sum.reduceLanes(VectorOperators.ADD) / kept;
    float square = kept == 0 ? 0 : squares.reduceLanes(VectorOperators.ADD) / kept;
    deviation = (float) Math.sqrt(Math.max(square - mean * mean, 0));
  }

  /** The highest and the lowest sum within reach of every pixel of the box, a row for two. */
  private void outliers(float guess) {
    int smoothing = kernel.smoothing;
    int window = 2 * kernel.reach + 1;
    int rows = y1 - y0;
    int up = rows + 2 * (smoothing + kernel.reach);
    int across = wideStride - LANES;
    lessGuess(wide, up * wideStride, guess);
    int side = 2 * smoothing + 1;
    int sumRows = (up - 2 * smoothing + 1) / 2;
    // Sums are kept at the place of their first pixel, so that no index is below a row's first.
    for (int v = 0; v < sumRows; v++) {
      int to = v * wideStride;
      sumOf(wide, 2 * to, wideStride, side, highest, to, across);
      sumOf(highest, to, 1, side, highest, to, across);
      extremesOf(highest, to, window, highest, lowest, stride);
    }
    for (int v = 0; v < (rows + 1) / 2; v++) {
      highestBelow(v * wideStride, kernel.reach);
      lowestBelow(v * wideStride, kernel.reach);
    }
  }

  private static void lessGuess(float[] values, int count, float guess) {
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i += LANES) {
      FloatVector d = FloatVector.fromArray(FLOATS, values, i).sub(guess);
      zero.blend(d, d.compare(VectorOperators.EQ, d)).intoArray(values, i);
    }
  }

  /** Sums over a window that begins at each place; may work in place. */
  private static void sumOf(
      float[] values, int from, int step, int window, float[] into, int to, int count) {
    for (int i = 0; i < count; i += LANES) {
      int at = from + i;
      FloatVector sum =
          FloatVector.fromArray(FLOATS, values, at)
              .add(FloatVector.fromArray(FLOATS, values, at + step))
              .add(FloatVector.fromArray(FLOATS, values, at + 2 * step));
      for (int k = 3; k < window; k += 2) {
        sum =
            sum.add(FloatVector.fromArray(FLOATS, values, at + k * step))
                .add(FloatVector.fromArray(FLOATS, values, at + (k + 1) * step));
      }
      sum.intoArray(into, to + i);
    }
  }

  /** The highest and the lowest of a window that begins at each place; may work in place. */
  private static void extremesOf(
      float[] values, int row, int window, float[] most, float[] fewest, int count) {
    for (int i = row; i < row + count; i += LANES) {
      FloatVector high = FloatVector.fromArray(FLOATS, values, i);
      FloatVector low = high;
      for (int k = 1; k < window; k += 2) {
        FloatVector next = FloatVector.fromArray(FLOATS, values, i + k);
        FloatVector over = FloatVector.fromArray(FLOATS, values, i + k + 1);
        high = high.max(next.max(over));
        low = low.min(next.min(over));
      }
      high.intoArray(most, i);
      low.intoArray(fewest, i);
    }
  }

  private void highestBelow(int row, int reach) {
    float[] values = highest;
    int step = wideStride;
    for (int i = row; i < row + stride; i += LANES) {
      FloatVector most = FloatVector.fromArray(FLOATS, values, i);
      for (int k = 1; k <= reach; k++) {
        most = most.max(FloatVector.fromArray(FLOATS, values, i + k * step));
      }
      most.intoArray(values, i);
    }
  }

  private void lowestBelow(int row, int reach) {
    float[] values = lowest;
    int step = wideStride;
    for (int i = row; i < row + stride; i += LANES) {
      FloatVector fewest = FloatVector.fromArray(FLOATS, values, i);
      for (int k = 1; k <= reach; k++) {
        fewest = fewest.min(FloatVector.fromArray(FLOATS, values, i + k * step));
      }
      fewest.intoArray(values, i);
    }
  }
}

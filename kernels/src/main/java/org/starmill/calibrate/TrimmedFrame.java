package org.starmill.calibrate;

import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

/**
 * The trimmed image of a raw frame, worked out anew from the frame's own pixels wherever a value is
 * asked for.
 *
 * <p>The overscan's level is subtracted, of a flat the bias too, and what is left is multiplied by
 * the scale. Nothing is copied: a set of frames takes no more memory than the frames. A frame of
 * which less than half is wanted is the exception; its data section is taken out, so that the rest
 * can go.
 *
 * @param position in the order given
 * @param pixels raw ADU
 * @param first place of the first data pixel
 * @param stride pixels from one row to the next
 * @param width columns of data
 * @param height rows of data
 * @param overscan level of each row, ADU
 * @param bias of flats; null for a bias frame
 * @param saturation ADU, from which on a flat's pixel has no value
 * @param scale 1 over the level of a flat, once that is known
 * @param level median of the values before they are scaled; NaN while that is not known
 */
record TrimmedFrame(
    int position,
    float[] pixels,
    int first,
    int stride,
    int width,
    int height,
    float[] overscan,
    Master bias,
    float saturation,
    float scale,
    double level) {
  /** Stands for a value that is not there. */
  static final float MISSING = 1e30f;

  /** ADU: no number of a camera. */
  static final float BEYOND_ALL_CAMERAS = 1e28f;

  static TrimmedFrame of(int position, RawFrame frame, Overscan overscan, Master bias) {
    Section data = frame.data();
    float[] levels = overscan.levels(frame);
    float[] pixels = frame.pixels();
    int first = data.y() * frame.width() + data.x();
    int stride = frame.width();
    if (2L * data.width() * data.height() < pixels.length) {
      float[] trimmed = new float[data.width() * data.height()];
      for (int y = 0; y < data.height(); y++) {
        System.arraycopy(pixels, first + y * stride, trimmed, y * data.width(), data.width());
      }
      pixels = trimmed;
      first = 0;
      stride = data.width();
    }
    double saturation = frame.detector().saturation();
    float limit = (float) saturation;
    // The smallest float that is not below it.
    limit = limit < saturation ? Math.nextUp(limit) : limit;
    return new TrimmedFrame(
        position,
        pixels,
        first,
        stride,
        data.width(),
        data.height(),
        levels,
        bias,
        limit,
        1f,
        Double.NaN);
  }

  TrimmedFrame with(double ofLevel, float ofScale) {
    return new TrimmedFrame(
        position,
        pixels,
        first,
        stride,
        width,
        height,
        overscan,
        bias,
        saturation,
        ofScale,
        ofLevel);
  }

  /** The place of a pixel among the frame's. */
  int place(int x, int y) {
    return first + y * stride + x;
  }

  /** The value of a pixel; {@link #MISSING} or NaN where it has none. */
  float value(int x, int y) {
    float raw = pixels[place(x, y)];
    if (!(Math.abs(raw) < BEYOND_ALL_CAMERAS)) {
      return MISSING;
    }
    float value = raw - overscan[y];
    if (bias == null) {
      return value;
    }
    int i = y * width + x;
    if (raw >= saturation || bias.used()[i] == 0) {
      return MISSING;
    }
    return (value - bias.level()[i]) * scale;
  }

  /** Copies the values of whole rows; what is not there is beyond all cameras, or NaN. */
  void copy(int firstRow, int rows, float[] into, int at) {
    for (int y = firstRow, i = at; y < firstRow + rows; y++, i += width) {
      if (bias == null) {
        lessOverscan(pixels, place(0, y), overscan[y], into, i, width);
      } else {
        for (int x = 0; x < width; x++) {
          into[i + x] = value(x, y);
        }
      }
    }
  }

  /** A loop without a condition, which the JVM makes vectors of. */
  private static void lessOverscan(
      float[] pixels, int from, float overscan, float[] into, int to, int count) {
    for (int i = 0; i < count; i++) {
      into[to + i] = pixels[from + i] - overscan;
    }
  }

  /** How many pixels reach saturation. */
  int saturated() {
    int count = 0;
    for (int y = 0; y < height; y++) {
      int from = place(0, y);
      for (int i = from; i < from + width; i++) {
        count += pixels[i] >= saturation ? 1 : 0;
      }
    }
    return count;
  }

  /** The values of every step-th pixel, row by row, those missing too. */
  float[] sample(int step) {
    float[] sample = new float[(width * height + step - 1) / step];
    int x = 0;
    int y = 0;
    for (int i = 0; i < sample.length; i++) {
      sample[i] = value(x, y);
      x += step;
      while (x >= width) {
        x -= width;
        y++;
      }
    }
    return sample;
  }

  /** The median of a sample of the values. */
  double median(int step) {
    float[] sample = sample(step);
    int count = 0;
    for (float value : sample) {
      if (value < MISSING) {
        sample[count++] = value;
      }
    }
    if (count == 0) {
      throw new ImageRejected("no data", "its data section holds no finite value");
    }
    return Selection.median(sample, count);
  }
}

package org.starmill.calibrate;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.starmill.image.PixelFlag;
import org.starmill.image.Section;

/**
 * The mask bits that masters and detector give every image alike, and the inverse of the flat.
 *
 * <p>A pixel is bad where the detector says so, where a master has no value, where its response is
 * 0.2 or less, and where the bias departs from the median of the 5 x 5 pixels around it by more
 * than ten times the read noise or scatters by more than five times the read noise.
 */
final class Defects {
  private static final float LOWEST_RESPONSE = 0.2f;
  private static final float LOW_RESPONSE = 0.5f;
  private static final double HOT = 10;
  private static final double NOISY = 5;

  /** Those that somebody may still hold. */
  private static final List<WeakReference<Defects>> HELD = new ArrayList<>();

  private final Masters masters;
  private final List<Section> badSections;
  private final int edge;

  /** Bits of {@link PixelFlag}, a value a pixel. */
  final short[] mask;

  /** What to multiply a pixel with, 1 where it is bad; one value where there is no flat. */
  final float[] inverseResponse;

  /** The defects of these masters, made where nobody holds them yet. */
  static Defects of(Masters masters, List<Section> badSections, int edge) {
    synchronized (HELD) {
      HELD.removeIf(held -> held.get() == null);
      for (WeakReference<Defects> held : HELD) {
        Defects defects = held.get();
        if (defects != null && defects.edge == edge && defects.areOf(masters, badSections)) {
          return defects;
        }
      }
      Defects made = new Defects(masters, badSections, edge);
      HELD.add(new WeakReference<>(made));
      return made;
    }
  }

  private Defects(Masters masters, List<Section> badSections, int edge) {
    this.masters = masters;
    this.badSections = badSections;
    this.edge = edge;
    Master bias = masters.bias();
    int width = bias.width();
    int height = bias.height();
    mask = new short[width * height];
    for (Section section : badSections) {
      int right = Math.min(width, section.x() + section.width());
      for (int y = section.y(); y < Math.min(height, section.y() + section.height()); y++) {
        for (int x = section.x(); x < right; x++) {
          mask[y * width + x] |= PixelFlag.BAD;
        }
      }
    }
    markBias(bias);
    inverseResponse = markFlat(masters.flat());
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        if (x < edge || y < edge || x >= width - edge || y >= height - edge) {
          mask[y * width + x] |= PixelFlag.EDGE;
        }
      }
    }
  }

  /** Whether these are the defects of the given masters and sections. */
  boolean areOf(Masters others, List<Section> sections) {
    return masters.bias() == others.bias()
        && masters.flat() == others.flat()
        && badSections.equals(sections);
  }

  private void markBias(Master bias) {
    double readNoise = bias.readNoise();
    // Masters made elsewhere may not know it: the median error then stands for it.
    if (!(readNoise > 0)) {
      float[] scatter = new float[bias.error().length];
      for (int i = 0; i < scatter.length; i++) {
        scatter[i] = bias.error()[i] * (float) Math.sqrt(bias.used()[i]);
      }
      readNoise = Selection.median(scatter, scatter.length);
    }
    float hot = (float) (HOT * readNoise);
    float noisy = (float) (NOISY * readNoise);
    int width = bias.width();
    float[] level = bias.level();
    float[] around = new float[25];
    for (int y = 0, i = 0; y < bias.height(); y++) {
      for (int x = 0; x < width; x++, i++) {
        int used = bias.used()[i];
        if (used == 0 || !Float.isFinite(level[i]) || !Float.isFinite(bias.error()[i])) {
          mask[i] |= PixelFlag.BAD;
        } else if (readNoise > 0) {
          // The neighbours two columns away tell cheaply that nearly no pixel needs a closer look.
          float left = level[x >= 2 ? i - 2 : i + Math.min(2, width - 1 - x)];
          float right = level[x + 2 < width ? i + 2 : i - Math.min(2, x)];
          boolean suspect =
              !(Math.abs(level[i] - left) < 0.5f * hot && Math.abs(level[i] - right) < 0.5f * hot);
          if ((suspect && Math.abs(level[i] - medianAround(bias, x, y, around)) > hot)
              || (bias.error()[i] > noisy / 8 && bias.error()[i] * Math.sqrt(used) > noisy)) {
            mask[i] |= PixelFlag.BAD;
          }
        }
      }
    }
  }

  private static float medianAround(Master bias, int x, int y, float[] around) {
    int count = 0;
    for (int v = Math.max(0, y - 2); v <= Math.min(bias.height() - 1, y + 2); v++) {
      for (int u = Math.max(0, x - 2); u <= Math.min(bias.width() - 1, x + 2); u++) {
        float value = bias.level()[v * bias.width() + u];
        if (Float.isFinite(value)) {
          around[count++] = value;
        }
      }
    }
    return Selection.median(around, count);
  }

  private float[] markFlat(Master flat) {
    if (flat == null) {
      return new float[1];
    }
    float[] inverse = new float[mask.length];
    Arrays.fill(inverse, 1f);
    for (int i = 0; i < inverse.length; i++) {
      float response = flat.level()[i];
      if (flat.used()[i] > 0 && response > LOWEST_RESPONSE && response < 1e6f) {
        inverse[i] = 1 / response;
        if (response < LOW_RESPONSE) {
          mask[i] |= PixelFlag.LOW_RESPONSE;
        }
      } else {
        mask[i] |= PixelFlag.BAD;
      }
    }
    return inverse;
  }
}

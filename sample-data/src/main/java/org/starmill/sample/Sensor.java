package org.starmill.sample;

import java.util.Arrays;

/**
 * What stays the same in all frames of a chip: bias pattern, response to light, dark current.
 *
 * <p>The bias pattern is a gradient, a glow of the amplifier's corner and an offset a column; the
 * response is vignetting times dust times the pixels' own, divided by its median over good pixels.
 */
final class Sensor {
  private final int width;
  private final int height;
  private final double[] columnOffset;
  private final double[] rowOffset;
  private final double[] glowColumn;
  private final double[] glowRow;
  private final float[] response;
  private final int[] darkPixel;
  private final float[] darkRate;

  Sensor(CameraSettings settings, long seed) {
    width = settings.chip().width();
    height = settings.chip().height();
    columnOffset = new double[width];
    rowOffset = new double[height];
    glowColumn = new double[width];
    glowRow = new double[height];
    biasPattern(settings.bias(), new Dice(seed, Purpose.COLUMNS.ordinal()));

    float[] dark = new float[width * height];
    response = new float[width * height];
    illumination(settings.response(), seed);
    blemishes(settings.response(), dark, new Dice(seed, Purpose.BLEMISHES.ordinal()));
    int count = 0;
    for (float rate : dark) {
      if (rate > 0) {
        count++;
      }
    }
    darkPixel = new int[count];
    darkRate = new float[count];
    count = 0;
    for (int i = 0; i < dark.length; i++) {
      if (dark[i] > 0) {
        darkPixel[count] = i;
        darkRate[count++] = dark[i];
      }
    }
    normalise();
  }

  private void biasPattern(CameraSettings.Bias bias, Dice dice) {
    double tilt = dice.uniform(0.3, 0.7);
    for (int x = 0; x < width; x++) {
      columnOffset[x] =
          bias.gradient() * tilt * ((double) x / width - 0.5)
              + bias.columnPattern() * dice.normal();
      glowColumn[x] = 0.5 * bias.gradient() * Math.exp(-8.0 * x / width);
    }
    for (int y = 0; y < height; y++) {
      double v = (double) y / height - 0.5;
      rowOffset[y] = bias.gradient() * ((1 - tilt) * v + 0.5 * v * v);
      glowRow[y] = Math.exp(-8.0 * y / height);
    }
    for (int i = 0; i < bias.warmColumns(); i++) {
      columnOffset[dice.below(width)] += dice.uniform(20, 80);
    }
  }

  private void illumination(CameraSettings.Response settings, long seed) {
    Dice grain = new Dice(seed, Purpose.RESPONSE.ordinal());
    Dice place = new Dice(seed, Purpose.DUST.ordinal());
    double centreX = 0.5 * width + 0.03 * width * place.normal();
    double centreY = 0.5 * height + 0.03 * height * place.normal();
    double corner = 0.25 * ((double) width * width + (double) height * height);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double r2 = ((x - centreX) * (x - centreX) + (y - centreY) * (y - centreY)) / corner;
        double light = 1 - settings.vignetting() * r2 * (0.6 + 0.4 * r2);
        response[y * width + x] = (float) (light * (1 + settings.pixelToPixel() * grain.normal()));
      }
    }
    for (int ring = 0; ring < settings.dustRings(); ring++) {
      dust(place);
    }
  }

  /**
   * The shadow of a grain far from focus: that of the pupil, a disc with the hole in its middle.
   */
  private void dust(Dice place) {
    double centreX = place.uniform(0, width);
    double centreY = place.uniform(0, height);
    double outer = place.uniform(12, 40);
    double inner = outer * place.uniform(0.35, 0.55);
    double depth = place.uniform(0.01, 0.05);
    double soft = place.uniform(1.5, 4);
    int fromX = (int) Math.max(0, centreX - outer - 5 * soft);
    int toX = (int) Math.min(width - 1, centreX + outer + 5 * soft);
    int fromY = (int) Math.max(0, centreY - outer - 5 * soft);
    int toY = (int) Math.min(height - 1, centreY + outer + 5 * soft);
    for (int y = fromY; y <= toY; y++) {
      for (int x = fromX; x <= toX; x++) {
        double r = Math.hypot(x - centreX, y - centreY);
        double shadow =
            1 / (1 + Math.exp((r - outer) / soft)) - 1 / (1 + Math.exp((r - inner) / soft));
        response[y * width + x] *= (float) (1 - depth * shadow);
      }
    }
  }

  private void blemishes(CameraSettings.Response settings, float[] dark, Dice dice) {
    for (int i = 0; i < settings.hotPixels(); i++) {
      dark[dice.below(dark.length)] = (float) (10 * Math.pow(100, dice.uniform()));
    }
    for (int i = 0; i < settings.hotColumns(); i++) {
      int x = dice.below(width);
      float rate = (float) (3 * Math.pow(10, dice.uniform()));
      for (int y = dice.below(height); y < height; y++) {
        dark[y * width + x] += rate;
      }
    }
    for (int i = 0; i < settings.deadPixels(); i++) {
      response[dice.below(response.length)] *= (float) dice.uniform(0, 0.3);
    }
    for (int i = 0; i < settings.deadColumns(); i++) {
      int x = dice.below(width);
      for (int y = 0; y < height; y++) {
        response[y * width + x] = 0;
      }
    }
  }

  private void normalise() {
    boolean[] good = goodPixels(0.4);
    float[] values = new float[response.length];
    int count = 0;
    for (int i = 0; i < response.length; i++) {
      if (good[i]) {
        values[count++] = response[i];
      }
    }
    double median = median(values, count);
    for (int i = 0; i < response.length; i++) {
      response[i] = (float) (response[i] / median);
    }
  }

  /** The median by counting in the float's own bits, coarse then fine: all values are positive. */
  private static double median(float[] values, int count) {
    if (count == 0) {
      return 1;
    }
    int[] coarse = new int[1 << 16];
    for (int i = 0; i < count; i++) {
      coarse[Float.floatToRawIntBits(values[i]) >>> 16]++;
    }
    int rank = (count - 1) / 2;
    int bin = 0;
    while (rank >= coarse[bin]) {
      rank -= coarse[bin++];
    }
    float[] within = new float[coarse[bin]];
    int found = 0;
    for (int i = 0; i < count; i++) {
      if (Float.floatToRawIntBits(values[i]) >>> 16 == bin) {
        within[found++] = values[i];
      }
    }
    Arrays.sort(within);
    return within[rank];
  }

  private boolean[] goodPixels(double lowest) {
    boolean[] good = new boolean[response.length];
    for (int i = 0; i < good.length; i++) {
      good[i] = response[i] > lowest;
    }
    for (int pixel : darkPixel) {
      good[pixel] = false;
    }
    return good;
  }

  /** Pixels with more than half of the usual response and no dark current of their own. */
  boolean[] goodPixels() {
    return goodPixels(0.5);
  }

  /** The bias of a pixel that sees light above that of the overscan beside it, ADU. */
  double biasAt(int x, int y) {
    return columnOffset[x] + rowOffset[y] + glowColumn[x] * glowRow[y];
  }

  /** Response of all pixels, median 1 over good ones; to be read only. */
  float[] response() {
    return response;
  }

  /** Indices of the pixels with dark current, rising; to be read only. */
  int[] darkPixel() {
    return darkPixel;
  }

  /** Dark current of those pixels, electrons per second; to be read only. */
  float[] darkRate() {
    return darkRate;
  }
}

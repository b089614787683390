package org.starmill.sky;

import org.starmill.device.ItemKernel;
import org.starmill.image.PixelFlag;

/**
 * Measures level and noise of the sky, an item a box of the mesh.
 *
 * <p>The pixels of a box are counted into a histogram of mean +- 5 standard deviations, which is
 * then clipped at median +- 3 standard deviations until the deviation stands still (Bertin and
 * Arnouts 1996). Where stars had blown the first deviation up, the histogram is drawn anew, finer.
 */
final class BoxKernel extends ItemKernel {
  static final int LEVELS = 1024;

  // A Gaussian clipped at three of its own, clipped, standard deviations keeps this share of them.
  private static final float CLIPPED_SHARE = 0.98483f;

  float[] image;
  short[] mask;
  float[] model;
  int useModel;
  float modelLimit;
  int width;
  int columns;
  int[] columnStart;
  int[] rowStart;
  float goodShare;
  int first;
  int[] histogram;
  float[] level;
  float[] noise;
  int[] good;

  @Override
  public void item(int item) {
    int box = first + item;
    int row = box / columns;
    int column = box - row * columns;
    int x0 = columnStart[column];
    int x1 = columnStart[column + 1];
    int y0 = rowStart[row];
    int y1 = rowStart[row + 1];
    int slot = item * LEVELS;

    int count = 0;
    float zero = 0f;
    float sum = 0f;
    float squares = 0f;
    for (int y = y0; y < y1; y++) {
      float rowSum = 0f;
      float rowSquares = 0f;
      for (int x = x0; x < x1; x++) {
        int p = y * width + x;
        if ((mask[p] & PixelFlag.UNUSABLE) == 0 && (useModel == 0 || model[p] <= modelLimit)) {
          if (count == 0) {
            zero = image[p];
          }
          float d = image[p] - zero;
          rowSum += d;
          rowSquares += d * d;
          count++;
        }
      }
      sum += rowSum;
      squares += rowSquares;
    }
    good[box] = count;
    float mean = 0f;
    float sigma = 0f;
    float estimate = 0f;
    if (count > 0 && count >= goodShare * (x1 - x0) * (y1 - y0)) {
      mean = sum / count;
      sigma = sqrt(max(squares / count - mean * mean, 0f));

      // Once more without what lies beyond two standard deviations, on the pixels themselves.
      float low = zero + mean - 2f * sigma;
      float high = zero + mean + 2f * sigma;
      float centre = zero + mean;
      int kept = 0;
      sum = 0f;
      squares = 0f;
      for (int y = y0; y < y1; y++) {
        float rowSum = 0f;
        float rowSquares = 0f;
        for (int x = x0; x < x1; x++) {
          int p = y * width + x;
          float v = image[p];
          if ((mask[p] & PixelFlag.UNUSABLE) == 0
              && (useModel == 0 || model[p] <= modelLimit)
              && v >= low
              && v <= high) {
            float d = v - centre;
            rowSum += d;
            rowSquares += d * d;
            kept++;
          }
        }
        sum += rowSum;
        squares += rowSquares;
      }
      if (kept > 0) {
        mean = sum / kept;
        sigma = sqrt(max(squares / kept - mean * mean, 0f));
      }
      centre = centre + mean;
      estimate = centre;

      int drawing = 0;
      int again = 1;
      while (again == 1 && sigma > 0f) {
        again = 0;
        drawing++;
        float bin = 10f * sigma / LEVELS;
        float start = centre - 5f * sigma;
        for (int i = 0; i < LEVELS; i++) {
          histogram[slot + i] = 0;
        }
        float perElectron = 1f / bin;
        for (int y = y0; y < y1; y++) {
          for (int x = x0; x < x1; x++) {
            int p = y * width + x;
            if ((mask[p] & PixelFlag.UNUSABLE) == 0 && (useModel == 0 || model[p] <= modelLimit)) {
              float place = (image[p] - start) * perElectron;
              if (place >= 0f && place < LEVELS) {
                int i = (int) place;
                histogram[slot + i] = histogram[slot + i] + 1;
              }
            }
          }
        }

        // From here on in bins, counted from the lower edge of the first one.
        int from = 0;
        int to = LEVELS;
        float deviation = LEVELS * 0.1f;
        float before = 2f * deviation;
        float median = 0.5f * LEVELS;
        float average = median;
        int pass = 0;
        while (pass < 50 && deviation > 0f && abs(deviation - before) > 1e-4f * deviation) {
          before = deviation;
          kept = 0;
          sum = 0f;
          squares = 0f;
          for (int i = from; i < to; i++) {
            int n = histogram[slot + i];
            float d = i + 0.5f - median;
            kept += n;
            sum += n * d;
            squares += n * d * d;
          }
          if (kept > 0) {
            float shift = sum / kept;
            average = median + shift;
            deviation = sqrt(max(squares / kept - shift * shift, 0f));
            int below = 0;
            int i = from;
            while (i < to && 2 * (below + histogram[slot + min(i, LEVELS - 1)]) < kept) {
              below += histogram[slot + i];
              i++;
            }
            int inBin = max(histogram[slot + min(i, LEVELS - 1)], 1);
            median = i + (0.5f * kept - below) / inBin;
            from = (int) max(median - 3f * deviation, 0f);
            to = (int) min(median + 3f * deviation + 1f, (float) LEVELS);
          } else {
            deviation = 0f;
          }
          pass++;
        }
        estimate = start + average * bin;
        if (useModel == 0) {
          float skew = 1f;
          if (deviation > 0f) {
            skew = abs(average - median) / deviation;
          }
          if (skew < 0.3f) {
            estimate = start + (2.5f * median - 1.5f * average) * bin;
          } else {
            estimate = start + median * bin;
          }
        }
        float wide = sigma;
        sigma = deviation * bin;
        centre = start + median * bin;
        if (sigma < 0.5f * wide && drawing < 6) {
          again = 1;
        }
      }
    } else {
      good[box] = 0;
    }
    level[box] = estimate;
    noise[box] = sigma / CLIPPED_SHARE;
  }
}

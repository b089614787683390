package org.starmill.detect;

import org.starmill.device.ItemKernel;

/**
 * Marks the pixels of one row that stand up more steeply than any star could: hot pixels and the
 * smallest cosmic rays.
 *
 * <p>A star gives the four pixels beside its brightest one at least a share r of its light there, r
 * being least for a star centred on the pixel. A pixel is marked where it is a local maximum,
 * stands 6 sigma above zero and its neighbours' mean stays below half of r times its value, even if
 * raised by three times its own error.
 */
final class SpikeKernel extends ItemKernel {
  int width;
  int height;
  int bit;

  /** Half of the share r. */
  float share;

  float[] image;

  /** Variance of the empty sky; a pixel that is 0 here is no neighbour. */
  float[] base;

  short[] mask;

  @Override
  public void item(int y) {
    int row = y * width;
    if (y > 0 && y < height - 1) {
      for (int x = 1; x < width - 1; x++) {
        int i = row + x;
        float value = image[i];
        float variance = base[i];
        if (variance > 0f && value > 0f && value * value > 36f * variance) {
          float left = image[i - 1];
          float right = image[i + 1];
          float up = image[i + width];
          float down = image[i - width];
          if (value > left && value > right && value > up && value > down) {
            float count = 0f;
            float sum = 0f;
            if (base[i - 1] > 0f) {
              count += 1f;
              sum += left;
            }
            if (base[i + 1] > 0f) {
              count += 1f;
              sum += right;
            }
            if (base[i - width] > 0f) {
              count += 1f;
              sum += down;
            }
            if (base[i + width] > 0f) {
              count += 1f;
              sum += up;
            }
            if (count > 1.5f) {
              float mean = sum / count;
              float error = sqrt((variance + max(mean, 0f)) / count);
              if (mean + 3f * error < share * value) {
                mask[i] = (short) (mask[i] | bit);
              }
            }
          }
        }
      }
    }
  }
}

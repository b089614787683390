package org.starmill.calibrate;

import java.util.Arrays;
import org.starmill.device.Device;
import org.starmill.image.Detector;
import org.starmill.image.Image;
import org.starmill.image.ImageRejected;
import org.starmill.image.PixelFlag;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

/**
 * Turns raw frames into images in electrons, with a mask and, where it is asked for, the variance.
 *
 * <p>In this order: saturated pixels are marked in raw ADU, and those beside them as bled into;
 * overscan and bias are subtracted; ADU become electrons; the variance {@code max(I, 0) + read
 * noise^2 + bias error^2} is built; then image and variance are divided by the flat and its square.
 * What masters and detector give all images alike is worked out once and kept until other masters
 * come.
 *
 * <p>Pixels without a value become 0; a masked pixel else keeps its value, so that a saturated star
 * can still be seen. Not safe for use by several threads at once.
 */
public final class Calibration {
  private static final double MOST_SATURATED = 0.5;
  private static final double MOST_MISSING = 0.5;
  private static final int BLEED_ALONG = 2;
  private static final int BLEED_SIDEWAYS = 1;

  private final Device device;
  private final int edge;
  private final Overscan overscan;
  private final CalibrationKernel kernel = new CalibrationKernel();
  private Defects defects;

  /**
   * @param edge width of the margin whose pixels are flagged, pixels
   */
  public Calibration(Device device, int edge) {
    this(device, edge, Overscan.DEFAULT);
  }

  /**
   * @param edge width of the margin whose pixels are flagged, pixels
   * @param overscan how the level of a row is measured: as it was for the masters
   */
  public Calibration(Device device, int edge, Overscan overscan) {
    this.device = device;
    this.edge = edge;
    this.overscan = overscan;
  }

  /**
   * Calibrates a frame.
   *
   * @throws ImageRejected "wrong size" where a master has another size than the frame's data
   *     section, "saturated" or "no data" where more than half of the pixels are
   */
  public Image calibrate(RawFrame frame, Masters masters) {
    int width = frame.data().width();
    int height = frame.data().height();
    float[] science = new float[width * height];
    float[] variance = new float[width * height];
    short[] mask = new short[width * height];
    kernel.withVariance = 1;
    calibrate(frame, masters, science, variance, mask);
    return new Image(
        science,
        variance,
        mask,
        masters.flat() == null ? null : masters.flat().level(),
        width,
        height,
        frame.detector().readNoise());
  }

  /**
   * Calibrates a frame into planes of the size of its data section, without the variance.
   *
   * @param science takes the electrons
   * @param mask takes the bits of {@link PixelFlag}
   * @throws ImageRejected as {@link #calibrate(RawFrame, Masters)}
   */
  public void calibrate(RawFrame frame, Masters masters, float[] science, short[] mask) {
    kernel.withVariance = 0;
    calibrate(frame, masters, science, new float[1], mask);
  }

  private void calibrate(
      RawFrame frame, Masters masters, float[] science, float[] variance, short[] mask) {
    Section data = frame.data();
    demandSize(data, masters.bias(), "bias");
    if (masters.flat() != null) {
      demandSize(data, masters.flat(), "flat");
    }
    Detector detector = frame.detector();
    if (defects == null || !defects.areOf(masters, detector.badSections())) {
      // Those of other masters first: both may not find room.
      defects = null;
      kernel.inverseResponse = null;
      kernel.defects = null;
      defects = Defects.of(masters, detector.badSections(), edge);
    } else {
      kernel.unchanged(
          masters.bias().level(), masters.bias().error(), defects.inverseResponse, defects.mask);
    }
    int width = data.width();
    int height = data.height();
    kernel.raw = frame.pixels();
    kernel.rawWidth = frame.width();
    kernel.firstColumn = data.x();
    kernel.firstRow = data.y();
    kernel.width = width;
    kernel.overscan = overscan.levels(frame);
    kernel.bias = masters.bias().level();
    kernel.biasError = masters.bias().error();
    kernel.inverseResponse = defects.inverseResponse;
    kernel.flatFielded = masters.flat() == null ? 0 : 1;
    kernel.defects = defects.mask;
    kernel.gain = (float) detector.gain();
    kernel.readVariance = (float) (detector.readNoise() * detector.readNoise());
    kernel.saturation = (float) detector.saturation();
    kernel.science = science;
    kernel.variance = variance;
    kernel.mask = mask;
    kernel.saturated = new int[height];
    kernel.missing = new int[height];
    try {
      device.run(kernel, height);
    } finally {
      // The planes are the caller's: this object lives on and must not hold them.
      kernel.raw = null;
      kernel.science = null;
      kernel.variance = null;
      kernel.mask = null;
    }
    demandShare(
        kernel.saturated,
        width,
        MOST_SATURATED,
        "saturated",
        "reach %.0f ADU".formatted(detector.saturation()));
    demandShare(kernel.missing, width, MOST_MISSING, "no data", "have no finite value");
    markBleeding(mask, kernel.saturated, width, height);
  }

  private static void demandSize(Section data, Master master, String kind) {
    if (data.width() != master.width() || data.height() != master.height()) {
      throw new ImageRejected(
          "wrong size",
          "data section of %d x %d pixels, its master %s has %d x %d; use masters of the same camera and read-out"
              .formatted(data.width(), data.height(), kind, master.width(), master.height()));
    }
  }

  private static void demandShare(
      int[] counts, int width, double most, String reason, String what) {
    double share = Arrays.stream(counts).sum() / ((double) counts.length * width);
    if (share > most) {
      throw new ImageRejected(
          reason,
          "%.0f %% of the pixels %s, at most %.0f %% may".formatted(100 * share, what, 100 * most));
    }
  }

  /** Flags the pixels beside saturated ones, two along the column and one sideways. */
  private static void markBleeding(short[] mask, int[] saturated, int width, int height) {
    for (int y = 0; y < height; y++) {
      if (saturated[y] == 0) {
        continue;
      }
      int row = y * width;
      for (int x = 0; x < width; x++) {
        if ((mask[row + x] & PixelFlag.SATURATED) != 0) {
          int bottom = Math.max(0, y - BLEED_ALONG);
          int top = Math.min(height - 1, y + BLEED_ALONG);
          int left = Math.max(0, x - BLEED_SIDEWAYS);
          int right = Math.min(width - 1, x + BLEED_SIDEWAYS);
          for (int v = bottom; v <= top; v++) {
            for (int u = left; u <= right; u++) {
              if ((mask[v * width + u] & PixelFlag.SATURATED) == 0) {
                mask[v * width + u] |= PixelFlag.BLEED;
              }
            }
          }
        }
      }
    }
  }
}

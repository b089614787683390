package org.starmill.calibrate;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The work of {@link CalibrationKernel} by the Vector API, equal to it bit by bit.
 *
 * <p>Few pixels are saturated or have no value: vectors with one of them are left to the scalar
 * source, and all others take their mask as it is.
 */
final class CalibrationVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  private CalibrationVectors() {}

  static void calibrate(CalibrationKernel kernel, int from, int to) {
    int whole = kernel.width - kernel.width % LANES;
    for (int item = from; item < to; item++) {
      kernel.saturated[item] = 0;
      kernel.missing[item] = 0;
      int row = item * kernel.width;
      System.arraycopy(kernel.defects, row, kernel.mask, row, kernel.width);
      int x = 0;
      while (x < whole) {
        x = kernel.flatFielded == 1 ? flatFielded(kernel, item, x) : withoutFlat(kernel, item, x);
        if (x < whole) {
          kernel.pixels(item, x, x + LANES);
          x += LANES;
        }
      }
      kernel.pixels(item, whole, kernel.width);
    }
  }

  /** Goes along a row up to the first vector that is not plain, and says where that is. */
  private static int flatFielded(CalibrationKernel kernel, int item, int start) {
    float[] raw = kernel.raw;
    float[] bias = kernel.bias;
    float[] biasError = kernel.biasError;
    float[] inverseResponse = kernel.inverseResponse;
    float[] science = kernel.science;
    float[] variance = kernel.variance;
    int from = (kernel.firstRow + item) * kernel.rawWidth + kernel.firstColumn;
    int to = item * kernel.width;
    int whole = kernel.width - kernel.width % LANES;
    float level = kernel.overscan[item];
    boolean withVariance = kernel.withVariance == 1;
    for (int x = start; x < whole; x += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, raw, from + x);
      FloatVector electrons =
          value.sub(level).sub(FloatVector.fromArray(FLOATS, bias, to + x)).mul(kernel.gain);
      FloatVector scale = FloatVector.fromArray(FLOATS, inverseResponse, to + x);
      FloatVector flat = electrons.mul(scale);
      if (!plain(kernel, value, flat).allTrue()) {
        return x;
      }
      flat.intoArray(science, to + x);
      if (withVariance) {
        FloatVector offset = FloatVector.fromArray(FLOATS, biasError, to + x).mul(kernel.gain);
        electrons
            .max(0)
            .add(kernel.readVariance)
            .add(offset.mul(offset))
            .mul(scale)
            .mul(scale)
            .intoArray(variance, to + x);
      }
    }
    return whole;
  }

  private static int withoutFlat(CalibrationKernel kernel, int item, int start) {
    float[] raw = kernel.raw;
    float[] bias = kernel.bias;
    float[] biasError = kernel.biasError;
    float[] science = kernel.science;
    float[] variance = kernel.variance;
    int from = (kernel.firstRow + item) * kernel.rawWidth + kernel.firstColumn;
    int to = item * kernel.width;
    int whole = kernel.width - kernel.width % LANES;
    float level = kernel.overscan[item];
    boolean withVariance = kernel.withVariance == 1;
    for (int x = start; x < whole; x += LANES) {
      FloatVector value = FloatVector.fromArray(FLOATS, raw, from + x);
      FloatVector electrons =
          value.sub(level).sub(FloatVector.fromArray(FLOATS, bias, to + x)).mul(kernel.gain);
      if (!plain(kernel, value, electrons).allTrue()) {
        return x;
      }
      electrons.intoArray(science, to + x);
      if (withVariance) {
        FloatVector offset = FloatVector.fromArray(FLOATS, biasError, to + x).mul(kernel.gain);
        electrons
            .max(0)
            .add(kernel.readVariance)
            .add(offset.mul(offset))
            .intoArray(variance, to + x);
      }
    }
    return whole;
  }

  /** Which pixels are neither saturated nor without a value; NaN is not plain. */
  private static VectorMask<Float> plain(
      CalibrationKernel kernel, FloatVector value, FloatVector electrons) {
    return value
        .compare(
            VectorOperators.LT, Math.min(kernel.saturation, CalibrationKernel.BEYOND_ALL_CAMERAS))
        .and(value.compare(VectorOperators.GE, -CalibrationKernel.BEYOND_ALL_CAMERAS))
        .and(electrons.abs().compare(VectorOperators.LE, CalibrationKernel.BEYOND_ALL_IMAGES));
  }
}

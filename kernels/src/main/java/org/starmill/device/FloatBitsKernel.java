package org.starmill.device;

import com.aparapi.Kernel;

/**
 * Looks at floats as bits and back, on the JVM by {@link Float}, in OpenCL by its own functions.
 *
 * <p>A class of its own because Aparapi maps a method to an OpenCL function only where the caller
 * is in another class.
 */
abstract class FloatBitsKernel extends Kernel {
  /** The bits of a float. */
  @NoCL
  @OpenCLMapping(mapTo = "as_int")
  protected static int asInt(float value) {
    return Float.floatToRawIntBits(value);
  }

  /** The float with these bits. */
  @NoCL
  @OpenCLMapping(mapTo = "as_float")
  protected static float asFloat(int bits) {
    return Float.intBitsToFloat(bits);
  }
}

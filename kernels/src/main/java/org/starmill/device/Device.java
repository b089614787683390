package org.starmill.device;

/**
 * What kernels run on: the threads of this JVM, or an OpenCL device.
 *
 * <p>Chosen once for an executor by {@link Devices#choose}; a kernel given to {@link #run} has run
 * on this very device when the call returns, or the call throws {@link DeviceException}.
 */
public interface Device extends AutoCloseable {
  /** The name that goes into every exposure's row: "java" or the OpenCL device's own. */
  String name();

  /** Whether this is an OpenCL device. */
  boolean isOpenCl();

  /**
   * Whether an OpenCL compiler makes vectors of loops over pixels here, as on a processor: then an
   * item is best a row or more, and its pixels are done side by side. On a GPU an item is best a
   * single pixel.
   */
  default boolean vectorizesLoops() {
    return false;
  }

  /** Whether kernels run their twins for the Vector API here. */
  boolean usesVectors();

  /**
   * Runs all items of a kernel and waits for them.
   *
   * <p>May be called by several threads at once, each with a kernel of its own.
   *
   * @param kernel with its fields set; arrays it writes hold the results on return
   * @param items number of items, 0 for none
   * @throws DeviceException where the device failed; nothing falls back to another one
   */
  void run(ItemKernel kernel, int items);

  /**
   * Translates and builds a kernel, so that its first run takes no longer than the others; nothing
   * on the Java device.
   *
   * @param kernel of which the class counts, and this instance is made ready
   * @throws DeviceException where it cannot be built for this device
   */
  void prepare(ItemKernel kernel);

  /**
   * CPU time that threads other than the calling ones have spent on kernels so far, nanoseconds: a
   * reader of the caller's own clock adds the growth of this.
   */
  long helperCpuNanos();

  @Override
  void close();
}

package org.starmill.device;

import java.util.Locale;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * Keeps kernels within the memory of a device that they may take.
 *
 * <p>Aparapi's buffers stay with a kernel until the JVM ends. So what counts, on a device with
 * memory of its own, is what all kernels hold together; where the device shares the host's, buffers
 * are the JVM's own arrays, and what one kernel asks for is enough to look at.
 */
final class DeviceMemory {
  private final String device;
  private final long mostBytes;
  private final long largestArray;
  private final boolean shared;
  private final Map<ItemKernel, Long> held = new WeakHashMap<>();

  /** Of all kernels, those the JVM has forgotten included. */
  private long heldBytes;

  DeviceMemory(String device, long mostBytes, long largestArray, boolean shared) {
    this.device = device;
    this.mostBytes = mostBytes;
    this.largestArray = largestArray;
    this.shared = shared;
  }

  /**
   * Takes note of what a kernel's arrays are going to hold.
   *
   * @throws DeviceException before anything is allocated, where that is more than may be
   */
  synchronized void claim(ItemKernel kernel, KernelArrays arrays) {
    long bytes = 0;
    for (KernelArrays.Used used : arrays.used()) {
      long array = KernelFields.bytesOf(KernelFields.valueOf(used.field(), kernel));
      if (array > largestArray) {
        throw new DeviceException(
            "kernel %s needs an array %s of %s on the device \"%s\", which gives %s at most in one piece; use smaller images or --device java"
                .formatted(
                    kernel.getClass().getSimpleName(),
                    used.field().getName(),
                    megabytes(array),
                    device,
                    megabytes(largestArray)));
      }
      bytes += array;
    }
    long before = held.getOrDefault(kernel, 0L);
    long others = shared ? 0 : heldBytes - before;
    if (bytes + others > mostBytes) {
      throw new DeviceException(
          "kernel %s needs %s on the device \"%s\"%s, of which it may take %s (device.max-memory); raise that, run fewer tasks at a time, or use --device java"
              .formatted(
                  kernel.getClass().getSimpleName(),
                  megabytes(bytes),
                  device,
                  others == 0 ? "" : " beside " + megabytes(others) + " of other kernels",
                  megabytes(mostBytes)));
    }
    held.put(kernel, bytes);
    heldBytes += bytes - before;
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%d bytes (%.1f MB)", bytes, bytes / 1e6);
  }
}

package org.starmill.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import org.starmill.device.Device;

/**
 * Takes the wall and CPU seconds of a piece of work.
 *
 * <p>On the Java device CPU seconds are those of the calling thread and the device's own; on an
 * OpenCL device, whose threads the JVM does not know, those of the whole process.
 */
final class Stopwatch {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  private Stopwatch() {}

  /**
   * Seconds that a piece of work took.
   *
   * @param cpu of all cores together
   * @param wall of the clock
   */
  record Seconds(double cpu, double wall) {
    Seconds and(Seconds other) {
      return new Seconds(cpu + other.cpu, wall + other.wall);
    }
  }

  static Seconds of(Device device, Runnable work) {
    long wall = System.nanoTime();
    long cpu = cpuNanos(device);
    work.run();
    return new Seconds((cpuNanos(device) - cpu) * 1e-9, (System.nanoTime() - wall) * 1e-9);
  }

  private static long cpuNanos(Device device) {
    return device.isOpenCl()
        ? PROCESS.getProcessCpuTime()
        : THREADS.getCurrentThreadCpuTime() + device.helperCpuNanos();
  }
}

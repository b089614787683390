package org.starmill.measure;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.starmill.device.Device;
import org.starmill.trace.Trace;

/** Adds up wall and CPU seconds of the steps of an image, by the step's name. */
final class StepClock {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final Device device;
  private final Map<String, Double> seconds = new LinkedHashMap<>();
  private final Map<String, Double> cpuSeconds = new LinkedHashMap<>();

  StepClock(Device device) {
    this.device = device;
    for (String step : new String[] {"calibrate", "sky", "detect", "psf", "measure"}) {
      seconds.put(step, 0.0);
      cpuSeconds.put(step, 0.0);
    }
  }

  <T> T time(String step, Supplier<T> work) {
    try (Trace.Open span = Trace.step(step)) {
      return timed(step, work);
    }
  }

  private <T> T timed(String step, Supplier<T> work) {
    long wall = System.nanoTime();
    long cpu = cpuNanos();
    try {
      return work.get();
    } finally {
      seconds.merge(step, (System.nanoTime() - wall) / 1e9, Double::sum);
      cpuSeconds.merge(step, (cpuNanos() - cpu) / 1e9, Double::sum);
    }
  }

  void run(String step, Runnable work) {
    time(
        step,
        () -> {
          work.run();
          return null;
        });
  }

  private long cpuNanos() {
    return THREADS.getCurrentThreadCpuTime() + device.helperCpuNanos();
  }

  Map<String, Double> seconds() {
    return seconds;
  }

  Map<String, Double> cpuSeconds() {
    return cpuSeconds;
  }
}

package org.starmill.device;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Runs kernels on threads of this JVM.
 *
 * <p>The calling thread and {@code threads - 1} daemon threads take blocks of items from a shared
 * counter until none is left. Aparapi's own thread pool is not used: it drops items.
 */
final class JavaDevice implements Device {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final AtomicLong helperCpuNanos = new AtomicLong();
  private final int threads;
  private final ExecutorService helpers;

  JavaDevice(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("%d threads: expected at least 1".formatted(threads));
    }
    this.threads = threads;
    this.helpers =
        threads == 1
            ? null
            : Executors.newFixedThreadPool(
                threads - 1,
                task -> {
                  Thread thread = new Thread(task, "starmill-java-device");
                  thread.setDaemon(true);
                  return thread;
                });
  }

  @Override
  public String name() {
    return "java";
  }

  @Override
  public boolean isOpenCl() {
    return false;
  }

  @Override
  public void run(ItemKernel kernel, int items) {
    kernel.setItems(items);
    if (helpers == null || items < 2) {
      for (int item = 0; item < items; item++) {
        kernel.item(item);
      }
      return;
    }
    // Blocks small enough that the last one does not keep a single thread busy for long.
    int block = Math.max(1, items / (threads * 16));
    AtomicInteger next = new AtomicInteger();
    Runnable share =
        () -> {
          for (int from = next.getAndAdd(block); from < items; from = next.getAndAdd(block)) {
            int to = Math.min(items, from + block);
            for (int item = from; item < to; item++) {
              kernel.item(item);
            }
          }
        };
    List<Future<?>> others = new ArrayList<>(threads - 1);
    for (int i = 1; i < threads; i++) {
      others.add(helpers.submit(() -> timed(share)));
    }
    share.run();
    for (Future<?> other : others) {
      waitFor(other, kernel);
    }
  }

  private void timed(Runnable share) {
    long before = THREADS.getCurrentThreadCpuTime();
    try {
      share.run();
    } finally {
      helperCpuNanos.addAndGet(THREADS.getCurrentThreadCpuTime() - before);
    }
  }

  @Override
  public long helperCpuNanos() {
    return helperCpuNanos.get();
  }

  private static void waitFor(Future<?> share, ItemKernel kernel) {
    try {
      share.get();
    } catch (ExecutionException e) {
      throw new DeviceException(
          "kernel %s failed on the Java device: %s"
              .formatted(kernel.getClass().getSimpleName(), e.getCause()),
          e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DeviceException("interrupted while a kernel was running", e);
    }
  }

  @Override
  public void close() {
    if (helpers != null) {
      helpers.shutdownNow();
    }
  }
}

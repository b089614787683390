package org.starmill.device;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.starmill.trace.Trace;

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
  private final boolean vectors;
  private final ExecutorService helpers;
  private volatile boolean closed;

  /**
   * Makes the device.
   *
   * @param threads the caller's included
   * @param vectors whether kernels that have a twin for the Vector API run it
   */
  JavaDevice(int threads, boolean vectors) {
    if (threads < 1) {
      throw new IllegalArgumentException("%d threads: expected at least 1".formatted(threads));
    }
    this.threads = threads;
    this.vectors = vectors;
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
  public boolean usesVectors() {
    return vectors;
  }

  /** Nothing to do: the JVM compiles while it runs. */
  @Override
  public void prepare(ItemKernel kernel) {}

  @Override
  public void run(ItemKernel kernel, int items) {
    if (items < 0) {
      throw new IllegalArgumentException("%d items: expected 0 or more".formatted(items));
    }
    if (closed) {
      throw new DeviceException(
          "kernel %s was given to a Java device that is closed"
              .formatted(kernel.getClass().getSimpleName()));
    }
    kernel.setItems(items);
    kernel.forgetUnchanged();
    // Blocks small enough that the last one does not keep a single thread busy for long.
    Shares shares = new Shares(kernel, items, Math.max(1, items / (threads * 16)), vectors);
    try (Trace.Open launch = Trace.kernel(kernel.getClass(), items, null)) {
      for (int i = 1; i < Math.min(threads, items); i++) {
        helpers.execute(() -> timed(shares));
      }
      shares.run();
      shares.await();
    }
  }

  private void timed(Runnable share) {
    long before = THREADS.getCurrentThreadCpuTime();
    share.run();
    helperCpuNanos.addAndGet(THREADS.getCurrentThreadCpuTime() - before);
  }

  @Override
  public long helperCpuNanos() {
    return helperCpuNanos.get();
  }

  @Override
  public void close() {
    closed = true;
    if (helpers != null) {
      helpers.shutdown();
    }
  }

  /**
   * The items of one run, taken block by block by whoever comes.
   *
   * <p>A helper that comes when none is left goes without touching the kernel, so that the caller
   * waits only for blocks that were taken, not for helpers busy with the run of another thread.
   */
  private static final class Shares implements Runnable {
    private final ItemKernel kernel;
    private final int items;
    private final int block;
    private final boolean vectors;
    private final AtomicLong next = new AtomicLong();
    private int busy;
    private Throwable failure;

    Shares(ItemKernel kernel, int items, int block, boolean vectors) {
      this.kernel = kernel;
      this.items = items;
      this.block = block;
      this.vectors = vectors;
    }

    @Override
    public void run() {
      enter();
      try {
        for (long from = next.getAndAdd(block); from < items; from = next.getAndAdd(block)) {
          int to = (int) Math.min(items, from + block);
          if (vectors) {
            kernel.vectorItems((int) from, to);
          } else {
            for (int item = (int) from; item < to; item++) {
              kernel.item(item);
            }
          }
        }
      } catch (RuntimeException | Error e) {
        fail(e);
      } finally {
        leave();
      }
    }

    private synchronized void enter() {
      busy++;
    }

    private synchronized void leave() {
      busy--;
      notifyAll();
    }

    private synchronized void fail(Throwable thrown) {
      next.set(items);
      if (failure == null) {
        failure = thrown;
      }
    }

    /** Waits until no thread is at work on the kernel, even when interrupted. */
    private synchronized void await() {
      boolean interrupted = false;
      while (busy > 0) {
        try {
          wait();
        } catch (InterruptedException e) {
          interrupted = true;
          next.set(items);
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      if (failure instanceof Error error) {
        throw error;
      }
      if (failure != null) {
        throw new DeviceException(
            "kernel %s failed on the Java device: %s"
                .formatted(kernel.getClass().getSimpleName(), failure),
            failure);
      }
      if (interrupted) {
        throw new DeviceException(
            "kernel %s was interrupted on the Java device"
                .formatted(kernel.getClass().getSimpleName()));
      }
    }
  }
}

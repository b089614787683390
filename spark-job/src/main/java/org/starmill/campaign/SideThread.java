package org.starmill.campaign;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import org.apache.hadoop.util.concurrent.SubjectInheritingThread;

/**
 * A thread that works for a task beside the task's own, one piece of work after the other.
 *
 * <p>It begins with the first piece and is gone when this is closed. Used by one thread at a time.
 */
final class SideThread implements AutoCloseable {
  /** How long work that was told to stop may take to do so. */
  static final long PATIENCE_MILLIS = 10_000;

  private final String doing;
  private final UnaryOperator<Runnable> recorded;
  private ExecutorService executor;
  private Thread thread;

  /**
   * @param doing added to the name of the task's thread
   * @param recorded gives the work of the thread's life back with its spans kept
   */
  SideThread(String doing, UnaryOperator<Runnable> recorded) {
    this.doing = doing;
    this.recorded = recorded;
  }

  <T> Future<T> submit(Callable<T> work) {
    if (executor == null) {
      executor = Executors.newSingleThreadExecutor(this::daemon);
    }
    return executor.submit(work);
  }

  private Thread daemon(Runnable work) {
    // A plain thread does not act as the user that Spark runs the task for.
    thread = new SubjectInheritingThread(recorded.apply(work));
    thread.setName(Thread.currentThread().getName() + ", " + doing);
    thread.setDaemon(true);
    return thread;
  }

  /** Tells the present piece of work to stop. */
  void interrupt() {
    if (thread != null) {
      thread.interrupt();
    }
  }

  /** What the thread is doing, outermost call last. */
  StackTraceElement[] stack() {
    return thread == null ? new StackTraceElement[0] : thread.getStackTrace();
  }

  /** Lets a thread be that does not come back: it ends with its work, other work gets another. */
  void leaveBehind() {
    if (executor != null) {
      executor.shutdown();
      executor = null;
      thread = null;
    }
  }

  /**
   * Tells the work to stop, ends the thread, and waits for that, but no longer than patience is.
   */
  @Override
  public void close() {
    if (executor == null) {
      return;
    }
    executor.shutdownNow();
    boolean interrupted = false;
    long end = System.nanoTime() + 1_000_000 * PATIENCE_MILLIS;
    while (thread.isAlive() && System.nanoTime() < end) {
      try {
        thread.join(Math.max(1, (end - System.nanoTime()) / 1_000_000));
      } catch (InterruptedException again) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    executor = null;
    thread = null;
  }
}

package org.starmill.campaign;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Does work that must not take longer than a given time.
 *
 * <p>The work has a thread of its own while the task's thread looks at the clock: Java can ask a
 * thread to stop, but cannot stop it. Work that does not come back when it is asked is left behind,
 * with its thread, which ends when the work does.
 */
final class TimeLimit implements AutoCloseable {
  /** The time is up. */
  static final class TimeUp extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String where;
    private final boolean leftBehind;

    private TimeUp(String where, boolean leftBehind) {
      super("the time is up at " + where);
      this.where = where;
      this.leftBehind = leftBehind;
    }

    /** The call that the work was in. */
    String where() {
      return where;
    }

    /** Whether the work goes on, in a thread that nobody waits for. */
    boolean leftBehind() {
      return leftBehind;
    }
  }

  private final long nanos;
  private final long patienceMillis;
  private final SideThread thread;

  /**
   * @param seconds 0 for no limit: the work is then done in the calling thread
   * @param recorded gives the work of the thread's life back with its spans kept
   */
  TimeLimit(int seconds, UnaryOperator<Runnable> recorded) {
    this(TimeUnit.SECONDS.toNanos(seconds), SideThread.PATIENCE_MILLIS, recorded);
  }

  TimeLimit(long nanos, long patienceMillis, UnaryOperator<Runnable> recorded) {
    this.nanos = nanos;
    this.patienceMillis = patienceMillis;
    this.thread = new SideThread("at an image", recorded);
  }

  /**
   * Does the work and waits for it.
   *
   * <p>Where the calling thread is told to stop, the work is, too; what it then throws is thrown
   * here.
   *
   * @throws TimeUp where it took too long
   */
  <T> T within(Supplier<T> work) {
    if (nanos == 0) {
      return work.get();
    }
    Future<T> result = thread.submit(work::get);
    long end = System.nanoTime() + nanos;
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return result.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException stop) {
          interrupted = true;
          thread.interrupt();
        } catch (TimeoutException late) {
          return lastWord(result);
        }
      }
    } catch (ExecutionException failed) {
      throw cause(failed);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private <T> T lastWord(Future<T> result) {
    String where = where();
    thread.interrupt();
    try {
      return result.get(patienceMillis, TimeUnit.MILLISECONDS);
    } catch (ExecutionException stopped) {
      if (stopped.getCause() instanceof Error error) {
        throw error;
      }
      throw new TimeUp(where, false);
    } catch (InterruptedException stop) {
      thread.leaveBehind();
      Thread.currentThread().interrupt();
      throw new TimeUp(where, true);
    } catch (TimeoutException goesOn) {
      thread.leaveBehind();
      throw new TimeUp(where, true);
    }
  }

  /** The innermost call of our own, or else the innermost one. */
  private String where() {
    StackTraceElement[] stack = thread.stack();
    for (StackTraceElement call : stack) {
      if (call.getClassName().startsWith("org.starmill.")
          && !call.getClassName().equals(ReadAhead.class.getName())) {
        return named(call);
      }
    }
    return stack.length == 0 ? "an unknown place" : named(stack[0]);
  }

  private static String named(StackTraceElement call) {
    return call.getClassName() + "." + call.getMethodName();
  }

  private static RuntimeException cause(ExecutionException failed) {
    if (failed.getCause() instanceof Error error) {
      throw error;
    }
    return (RuntimeException) failed.getCause();
  }

  @Override
  public void close() {
    thread.close();
  }
}

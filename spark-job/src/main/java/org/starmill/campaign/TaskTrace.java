package org.starmill.campaign;

import java.io.Serializable;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;
import org.apache.spark.SparkEnv;
import org.apache.spark.util.CollectionAccumulator;
import org.starmill.trace.Recording;
import org.starmill.trace.Span;
import org.starmill.trace.Trace;
import org.starmill.trace.Track;

/**
 * Keeps the spans of tasks, and brings them to the driver with the task's result.
 *
 * <p>They travel in an accumulator: those of a task that fails are lost with it. The tracks of an
 * executor are its cores; a task takes the lowest that no other task has at the time. A thread that
 * reads ahead for it has a track beside.
 */
final class TaskTrace implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Keeps nothing. */
  static final TaskTrace OFF = new TaskTrace(null);

  /**
   * What a task has to tell.
   *
   * @param lost how many spans were too many
   */
  record Part(Track track, List<Span> spans, long lost) implements Serializable {}

  private static final BitSet BUSY = new BitSet();

  /** The core of the calling thread's task. */
  private static final ThreadLocal<Integer> CORE = new ThreadLocal<>();

  private final CollectionAccumulator<Part> parts;

  TaskTrace(CollectionAccumulator<Part> parts) {
    this.parts = parts;
  }

  /** Does a task's work, in the task's thread. */
  <T> T of(String name, Supplier<T> work) {
    if (parts == null) {
      return work.get();
    }
    int core = takeCore();
    CORE.set(core);
    try (Recording recording = Recording.begin()) {
      T result;
      try (Trace.Open task = Trace.task(name)) {
        result = work.get();
      }
      Track track = new Track(executor(), "core " + core);
      parts.add(new Part(track, recording.take(), recording.dropped()));
      return result;
    } finally {
      CORE.remove();
      synchronized (BUSY) {
        BUSY.clear(core);
      }
    }
  }

  /**
   * What a thread is to do for the calling task beside it, its spans kept on a track of their own;
   * the thread has to end before the task.
   *
   * @param doing added to the name of the task's own track
   */
  Runnable beside(String doing, Runnable work) {
    return parts == null ? work : on(", " + doing, work);
  }

  /**
   * The same of a thread that the calling one waits for: its spans are kept on the task's track.
   */
  Runnable inPlace(Runnable work) {
    return parts == null ? work : on("", work);
  }

  private Runnable on(String beside, Runnable work) {
    int core = CORE.get();
    Track track = new Track(executor(), "core " + core + beside);
    return () -> {
      CORE.set(core);
      try (Recording recording = Recording.begin()) {
        work.run();
        parts.add(new Part(track, recording.take(), recording.dropped()));
      }
    };
  }

  private static int takeCore() {
    synchronized (BUSY) {
      int core = BUSY.nextClearBit(0);
      BUSY.set(core);
      return core;
    }
  }

  private static String executor() {
    SparkEnv spark = SparkEnv.get();
    return "executor %s on %s"
        .formatted(spark.executorId(), spark.blockManager().blockManagerId().host());
  }
}

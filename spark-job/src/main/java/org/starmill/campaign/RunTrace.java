package org.starmill.campaign;

import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.util.CollectionAccumulator;
import org.starmill.trace.Recording;
import org.starmill.trace.TraceFile;
import org.starmill.trace.Track;

/**
 * Writes what a run's driver and tasks did when to one file.
 *
 * <p>With each commit the spans of the tasks that ended are written, so that the driver holds those
 * of one batch at most, and a killed run leaves those of all that was committed. Used by the
 * driver's thread.
 */
public final class RunTrace implements AutoCloseable {
  private static final Track DRIVER = new Track("driver", "driver");

  private final TraceFile file;
  private final Recording driver;
  private final CollectionAccumulator<TaskTrace.Part> parts;
  private final TaskTrace tasks;

  /**
   * Begins to record the calling thread, the driver's.
   *
   * @param file that is written to, and closed in the end
   */
  public RunTrace(SparkContext context, TraceFile file) {
    this.file = file;
    driver = Recording.begin();
    // Without a name: Spark's own history does not keep it.
    parts = new CollectionAccumulator<>();
    context.register(parts);
    tasks = new TaskTrace(parts);
  }

  private RunTrace() {
    file = TraceFile.off();
    driver = null;
    parts = null;
    tasks = TaskTrace.OFF;
  }

  /** One that records nothing. */
  public static RunTrace off() {
    return new RunTrace();
  }

  /** What tasks record with. */
  TaskTrace tasks() {
    return tasks;
  }

  /** Writes what ended since the last time. */
  void write() {
    if (driver == null) {
      return;
    }
    List<TaskTrace.Part> ended = List.copyOf(parts.value());
    parts.reset();
    for (TaskTrace.Part part : ended) {
      file.add(part.track(), part.spans(), part.lost());
    }
    file.add(DRIVER, driver.take(), 0);
  }

  @Override
  public void close() {
    if (driver != null) {
      driver.close();
      write();
    }
    file.close();
  }
}

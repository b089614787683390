package org.starmill.campaign;

import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.starmill.fits.FitsImage;
import org.starmill.trace.Trace;

/**
 * Reads a task's frames, each while the one before it is measured.
 *
 * <p>A thread of its own begins to read the next frame when the one before is taken, so that there
 * is one frame in memory beside the one that is worked on and never more. What goes wrong with a
 * frame is thrown where that frame is taken. Where nothing is to be read ahead there is no thread,
 * and a frame is read where it is taken.
 */
final class ReadAhead implements AutoCloseable {
  /**
   * A frame that was read.
   *
   * @param seconds that reading and decoding it took, whether somebody waited for it or not
   */
  record Frame(FitsImage image, double seconds) {}

  private record Begun(PlannedFrame frame, Future<Frame> reading) {}

  private final List<PlannedFrame> frames;
  private final Function<PlannedFrame, FitsImage> reader;
  private final SideThread thread;
  private volatile boolean on;
  private Begun begun;

  /**
   * Reads nothing yet.
   *
   * @param frames in the order in which they will be taken
   * @param reader of one frame; used by one thread at a time
   * @param on whether to read ahead
   * @param recorded gives the work of the reading thread back with its spans kept
   */
  ReadAhead(
      List<PlannedFrame> frames,
      Function<PlannedFrame, FitsImage> reader,
      boolean on,
      UnaryOperator<Runnable> recorded) {
    this.frames = List.copyOf(frames);
    this.reader = reader;
    this.on = on;
    this.thread = new SideThread("reading ahead", recorded);
  }

  /**
   * A frame, waited for where it is being read; the reading of the one after it begins.
   *
   * @throws RuntimeException or Error as its reading did
   */
  Frame take(PlannedFrame frame) {
    Begun mine = begun;
    begun = null;
    try {
      if (mine != null && mine.frame().exposureId() == frame.exposureId()) {
        return waitedFor(mine.reading());
      }
      if (mine != null) {
        mine.reading().cancel(true);
      }
      return read(frame);
    } catch (OutOfMemoryError full) {
      close();
      throw full;
    } finally {
      beginAfter(frame);
    }
  }

  private Frame read(PlannedFrame frame) {
    long start = System.nanoTime();
    try (Trace.Open read = Trace.step("read")) {
      FitsImage image = reader.apply(frame);
      return new Frame(image, (System.nanoTime() - start) * 1e-9);
    }
  }

  private static Frame waitedFor(Future<Frame> reading) {
    try (Trace.Open waiting = Trace.waiting("for the frame")) {
      return reading.get();
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) failed.getCause();
    } catch (InterruptedException | CancellationException stopped) {
      reading.cancel(true);
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new InterruptedIOException("the task was told to stop"));
    }
  }

  private void beginAfter(PlannedFrame frame) {
    if (!on || Thread.currentThread().isInterrupted()) {
      return;
    }
    int next = 0;
    while (next < frames.size() && frames.get(next).exposureId() != frame.exposureId()) {
      next++;
    }
    if (next + 1 < frames.size()) {
      PlannedFrame following = frames.get(next + 1);
      begun = new Begun(following, thread.submit(() -> read(following)));
    }
  }

  /**
   * Gives the frame that was read ahead back to the heap, ends the thread and waits for that;
   * frames that are taken later are read where they are taken.
   */
  @Override
  public void close() {
    on = false;
    begun = null;
    thread.close();
  }
}

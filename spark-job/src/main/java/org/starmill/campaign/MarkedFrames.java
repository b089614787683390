package org.starmill.campaign;

import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.masters.CalibrationFrame;
import org.starmill.masters.FrameGuard;

/**
 * Marks the frames of masters while they are read, so that one is known that ends the process.
 *
 * <p>As of images ({@link FramesInWork}): a frame that was in work when its process ended is read a
 * second time with no other frame beside it in this JVM; when that ends, too, it is set aside.
 */
final class MarkedFrames implements FrameGuard {
  /** Held by each frame that is read in this JVM; alone by one that may end it. */
  private static final ReentrantReadWriteLock IN_WORK = new ReentrantReadWriteLock(true);

  private final FramesInWork.Marks marks;
  private final Map<Long, Integer> lost;
  private final Map<Long, Integer> suspects;

  /**
   * @param marks of the task
   * @param lost how often frames were in work when their process ended, before this job
   */
  MarkedFrames(FramesInWork.Marks marks, Map<Long, Integer> lost) {
    this.marks = marks;
    this.lost = lost;
    this.suspects = marks.suspects(lost);
  }

  @Override
  public RawFrame read(CalibrationFrame frame, Supplier<RawFrame> reading) {
    boolean suspect = suspects.containsKey(frame.exposureId());
    // Another attempt may have ended with it since.
    int times = suspect ? marks.suspects(lost).getOrDefault(frame.exposureId(), 0) : 0;
    if (times >= FramesInWork.TRIES) {
      throw new ImageRejected(
          "process ended",
          "the process ended %d times while it read %s for a master; expected it to go on; look for the end in its log (a crash of a library, more memory than it may have), or leave the file out"
              .formatted(times, frame.label()));
    }
    Lock lock = suspect ? IN_WORK.writeLock() : IN_WORK.readLock();
    lock.lock();
    try {
      marks.begin(frame.exposureId());
      return reading.get();
    } finally {
      try {
        marks.end(frame.exposureId());
      } finally {
        lock.unlock();
      }
    }
  }
}

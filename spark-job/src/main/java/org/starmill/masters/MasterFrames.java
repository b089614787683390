package org.starmill.masters;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.starmill.calibrate.Master;
import org.starmill.catalog.Reasons;
import org.starmill.fits.FitsImage;
import org.starmill.fits.FrameReader;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.instrument.FrameFacts;
import org.starmill.instrument.Instrument;

/**
 * The frames of a master, read one at a time.
 *
 * <p>A frame that cannot be read is passed over and remembered with the reason. A master's
 * positions count the others; {@link #used} and {@link #rejected} turn them into frames again. For
 * one iteration in one thread.
 */
public final class MasterFrames implements Iterable<RawFrame> {
  private final Instrument instrument;
  private final List<CalibrationFrame> frames;
  private final double readNoise;
  private final FrameGuard guard;
  private final FrameReader reader;
  private final List<CalibrationFrame> given = new ArrayList<>();
  private final Map<CalibrationFrame, String> unreadable = new LinkedHashMap<>();

  /**
   * Prepares to read frames.
   *
   * @param readNoise ADU, of the bias frames; 0 where that is not known yet
   */
  public MasterFrames(
      Instrument instrument,
      List<CalibrationFrame> frames,
      double readNoise,
      Configuration hadoop) {
    this(instrument, frames, readNoise, FrameGuard.NONE, hadoop);
  }

  /**
   * Prepares to read frames.
   *
   * @param readNoise ADU, of the bias frames; 0 where that is not known yet
   * @param guard stands by while each is read
   */
  MasterFrames(
      Instrument instrument,
      List<CalibrationFrame> frames,
      double readNoise,
      FrameGuard guard,
      Configuration hadoop) {
    this.guard = guard;
    this.instrument = instrument;
    this.frames = List.copyOf(frames);
    this.readNoise = readNoise;
    this.reader = new FrameReader(hadoop);
  }

  @Override
  public Iterator<RawFrame> iterator() {
    given.clear();
    unreadable.clear();
    Iterator<CalibrationFrame> rest = frames.iterator();
    return new Iterator<>() {
      private RawFrame next;

      @Override
      public boolean hasNext() {
        while (next == null && rest.hasNext()) {
          CalibrationFrame frame = rest.next();
          try {
            next = guard.read(frame, () -> read(frame));
            given.add(frame);
          } catch (ImageRejected rejected) {
            unreadable.put(frame, rejected.getMessage());
          } catch (UncheckedIOException stopped) {
            // The task is to end: a master without this frame would take the place of the whole
            // one.
            throw stopped;
          } catch (RuntimeException unforeseen) {
            unreadable.put(frame, Reasons.internal(unforeseen));
          }
        }
        return next != null;
      }

      @Override
      public RawFrame next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        RawFrame frame = next;
        next = null;
        return frame;
      }
    };
  }

  private RawFrame read(CalibrationFrame frame) {
    FitsImage image = reader.read(frame.path(), frame.hdu());
    FrameFacts facts =
        instrument.describe(
            frame.path(), frame.hdu(), image.width(), image.height(), image.header());
    return facts.frame(image.pixels(), image.width(), image.height(), facts.detector(readNoise));
  }

  /** The frames that a master of these is built of. */
  public List<CalibrationFrame> used(Master master) {
    return master.frames().stream().map(given::get).toList();
  }

  /** The frames that are left out, with the reason. */
  public Map<CalibrationFrame, String> rejected(Master master) {
    Map<CalibrationFrame, String> all = new LinkedHashMap<>(unreadable);
    for (Master.Rejection rejection : master.rejected()) {
      all.put(given.get(rejection.frame()), rejection.reason());
    }
    return all;
  }
}

package org.starmill.masters;

import java.util.function.Supplier;
import org.starmill.image.RawFrame;

/** Stands by while a frame of a master is read, and may refuse to have it read. */
public interface FrameGuard {
  /** Lets every frame be read. */
  FrameGuard NONE = (frame, reading) -> reading.get();

  /**
   * Has a frame read.
   *
   * @return what the reading gives
   * @throws org.starmill.image.ImageRejected where the frame is not to be opened
   */
  RawFrame read(CalibrationFrame frame, Supplier<RawFrame> reading);
}

package org.starmill.campaign;

import java.util.Map;
import org.starmill.catalog.ExposureRow;

/** Hears how far a campaign is. */
public interface CampaignProgress {
  /** A part of the work begins: a phrase such as "reading the headers of 120 files". */
  void stage(String what);

  /** Something is amiss that ends nothing: one line that says what, and what helps. */
  default void warning(String what) {
    stage("warning: " + what);
  }

  /**
   * The images begin.
   *
   * @param images number of frames that still need a row
   * @param before number of those that have one from earlier runs
   */
  void begin(long images, long before);

  /**
   * Says how much work is expected of all the images, in the unit of {@link #batch}; without it
   * they count alike.
   */
  default void expects(double work) {}

  /**
   * The next images begin.
   *
   * @param work expected of each, by its exposure_id
   */
  default void batch(Map<Long, Double> work) {}

  /** A frame has its row, its task has ended; called in one thread at a time. */
  void image(ExposureRow row);

  /**
   * So many frames of this run are done, those of tasks that still run among them; called now and
   * then, in a thread of its own, and never with more than are done.
   */
  void done(long images);

  /** No more images come. */
  void end();
}

package org.starmill.campaign;

import java.io.Serializable;
import org.starmill.masters.BuiltMaster;

/**
 * A frame to be dealt with, and what with.
 *
 * @param frame of the plan
 * @param bias its master bias; null where there is none
 * @param flat its master flat; null where there is none
 * @param reason why it is not to be measured; null where it is
 * @param withoutFlat why there is no flat, where the image is to be measured nevertheless
 * @param timesLost how often it was in work when its process ended
 */
record WorkItem(
    PlannedFrame frame,
    BuiltMaster bias,
    BuiltMaster flat,
    String reason,
    String withoutFlat,
    int timesLost)
    implements Serializable {

  WorkItem(
      PlannedFrame frame, BuiltMaster bias, BuiltMaster flat, String reason, String withoutFlat) {
    this(frame, bias, flat, reason, withoutFlat, 0);
  }

  static WorkItem notMeasured(PlannedFrame frame, String reason) {
    return new WorkItem(frame, null, null, reason, null);
  }

  WorkItem lost(int times) {
    return new WorkItem(frame, bias, flat, reason, withoutFlat, times);
  }
}

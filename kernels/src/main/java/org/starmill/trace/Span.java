package org.starmill.trace;

import java.io.Serializable;

/**
 * Something that was done, from when to when.
 *
 * @param category task, image, step, kernel, transfer or wait
 * @param name of what was done
 * @param device that did it, beside the core that waited for it; null for the core itself
 * @param start nanoseconds since 1970
 * @param nanos how long it took
 * @param count of items of a kernel, bytes of a transfer; 0 for neither
 */
public record Span(String category, String name, String device, long start, long nanos, long count)
    implements Serializable {

  /** Nanoseconds since 1970 at which it ended. */
  public long end() {
    return start + nanos;
  }
}

package org.starmill.trace;

import java.util.ArrayList;
import java.util.List;

/**
 * Keeps the spans of one thread while it is open.
 *
 * <p>Bounded: runs of the same kernel that follow each other at once become one span, and beyond
 * {@link #MOST} spans kernels and transfers are counted only. Used by the thread that made it; the
 * spans may be taken by another when it is closed.
 */
public final class Recording implements AutoCloseable {
  /** Spans that a recording keeps at most. */
  static final int MOST = 100_000;

  /** Nanoseconds between two runs of one kernel that are drawn as one. */
  private static final long GAP = 50_000;

  /** What is added to the JVM's clock to make nanoseconds since 1970. */
  private static final long EPOCH = System.currentTimeMillis() * 1_000_000 - System.nanoTime();

  static {
    askForTransferTimes();
  }

  private List<Span> spans = new ArrayList<>();
  private long dropped;

  private Recording() {
    Trace.bind(this);
  }

  /** Asks Aparapi, as long as it is not in use yet, for the times of its transfers. */
  static void askForTransferTimes() {
    System.setProperty("com.aparapi.enableProfiling", "true");
  }

  /** Begins to keep the calling thread's spans, in the place of whatever recording it had. */
  public static Recording begin() {
    return new Recording();
  }

  void add(String category, String name, String device, long start, long end, long count) {
    boolean fine =
        category.equals(Trace.KERNEL)
            || category.equals(Trace.TRANSFER)
            || category.equals(Trace.WAIT);
    if (spans.size() >= (fine ? MOST : 2 * MOST)) {
      dropped++;
      return;
    }
    long from = start + EPOCH;
    long until = end + EPOCH;
    if (category.equals(Trace.KERNEL) && !spans.isEmpty()) {
      Span last = spans.get(spans.size() - 1);
      if (last.category().equals(category)
          && last.name().equals(name)
          && from - last.end() < GAP
          && from >= last.end()) {
        spans.set(
            spans.size() - 1,
            new Span(
                category, name, device, last.start(), until - last.start(), last.count() + count));
        return;
      }
    }
    spans.add(new Span(category, name, device, from, until - from, count));
  }

  /** The spans that have ended so far; the recording forgets them. */
  public List<Span> take() {
    List<Span> taken = spans;
    spans = new ArrayList<>();
    return taken;
  }

  /** How many spans were too many to be kept. */
  public long dropped() {
    return dropped;
  }

  /** Ends it; its spans can still be taken. */
  @Override
  public void close() {
    Trace.unbind();
  }
}

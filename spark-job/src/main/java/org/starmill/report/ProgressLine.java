package org.starmill.report;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Shows how far a run has come: images done of all, images a minute, time left, failures.
 *
 * <p>On a terminal one line is written over and over; anywhere else (a log file, a batch queue) a
 * line is added every ten seconds. The rate is that of the last minutes, so that the time left
 * follows a cluster that grows or shrinks. Safe for use by several threads.
 */
public final class ProgressLine implements AutoCloseable {
  private static final long SECOND = 1_000_000_000L;
  private static final long BETWEEN_UPDATES_ON_A_TERMINAL = SECOND / 5;
  private static final long BETWEEN_LINES = 10 * SECOND;
  private static final long WINDOW = 180 * SECOND;

  private record Moment(long time, long done) {}

  private final PrintStream stream;
  private final boolean terminal;
  private final LongSupplier clock;
  private final long total;
  private final long start;
  private final Deque<Moment> recent = new ArrayDeque<>();
  private long done;
  private long failed;
  private long lastShown;
  private int lastLength;
  private boolean closed;

  /**
   * A line on standard error.
   *
   * @param total number of images to be done
   */
  public ProgressLine(long total) {
    this(total, System.err, standardErrorIsATerminal(), System::nanoTime);
  }

  /**
   * A line anywhere.
   *
   * @param total number of images to be done
   * @param stream where it is written
   * @param terminal whether a line can be written over
   * @param clock nanoseconds from any origin
   */
  public ProgressLine(long total, PrintStream stream, boolean terminal, LongSupplier clock) {
    this.total = total;
    this.stream = stream;
    this.terminal = terminal;
    this.clock = clock;
    this.start = clock.getAsLong();
    recent.add(new Moment(start, 0));
    show(start);
  }

  /**
   * Takes note of how far the run has come.
   *
   * @param done images that have ended, failures included; a number lower than before is ignored
   * @param failed how many of them failed
   */
  public synchronized void update(long done, long failed) {
    if (closed || done < this.done) {
      return;
    }
    this.done = done;
    this.failed = failed;
    long now = clock.getAsLong();
    if (now - recent.getLast().time() >= SECOND) {
      recent.add(new Moment(now, done));
    }
    // One moment older than the window stays: the rate is counted from it.
    while (recent.size() > 2 && now - secondOldest().time() > WINDOW) {
      recent.removeFirst();
    }
    if (now - lastShown >= (terminal ? BETWEEN_UPDATES_ON_A_TERMINAL : BETWEEN_LINES)) {
      show(now);
    }
  }

  private Moment secondOldest() {
    var moments = recent.iterator();
    moments.next();
    return moments.next();
  }

  private void show(long now) {
    String line = text(now);
    if (terminal) {
      String rest = " ".repeat(Math.max(0, lastLength - line.length()));
      stream.print("\r" + line + rest);
    } else {
      stream.println(line);
    }
    stream.flush();
    lastLength = line.length();
    lastShown = now;
  }

  private String text(long now) {
    StringBuilder line = new StringBuilder();
    line.append(String.format(Locale.ROOT, "%,d of %,d images", done, total));
    if (total > 0) {
      line.append(String.format(Locale.ROOT, ", %d %%", 100 * done / total));
    }
    Moment from = closed ? new Moment(start, 0) : recent.getFirst();
    double minutes = (now - from.time()) / (60.0 * SECOND);
    double rate = minutes > 0 ? (done - from.done()) / minutes : 0;
    if (rate > 0) {
      line.append(
          String.format(Locale.ROOT, rate < 10 ? ", %.1f a minute" : ", %,.0f a minute", rate));
      if (!closed && done < total) {
        line.append(", ").append(Durations.text((total - done) / rate * 60)).append(" left");
      }
    }
    if (closed) {
      line.append(", took ").append(Durations.text((now - start) / (double) SECOND));
    }
    line.append(String.format(Locale.ROOT, ", %,d failed", failed));
    return line.toString();
  }

  /** Shows the last state, with the mean rate and the time taken, and ends the line. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    show(clock.getAsLong());
    if (terminal) {
      stream.println();
      stream.flush();
    }
  }

  /** Whether what is written to standard error is read by a person at a terminal. */
  static boolean standardErrorIsATerminal() {
    String kind = System.getenv("TERM");
    if (kind == null || kind.equals("dumb")) {
      return false;
    }
    Path descriptor = Path.of("/proc/self/fd/2");
    if (!Files.isSymbolicLink(descriptor)) {
      // No Linux: Java tells only of standard input and output.
      return System.console() != null;
    }
    try {
      String target = Files.readSymbolicLink(descriptor).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (java.io.IOException e) {
      return System.console() != null;
    }
  }
}

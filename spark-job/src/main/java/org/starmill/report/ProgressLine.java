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
 *
 * <p>Images differ: the time left is that of the work that is expected of those to come, in any
 * unit. What a unit of it takes is learnt from all images so far, <em>c = seconds / work</em>; how
 * many images are in hand at a time from those of the last minutes, <em>p = seconds / time</em>,
 * their seconds being their work times the <em>c</em> of these images alone. So fields of which too
 * much or too little was expected, when they come by, do not pass for a faster or slower cluster:
 * <em>time left = c work left / p</em>. Where no work is said to be expected images count alike.
 */
public final class ProgressLine implements AutoCloseable {
  private static final long SECOND = 1_000_000_000L;
  private static final long BETWEEN_UPDATES_ON_A_TERMINAL = SECOND / 5;
  private static final long BETWEEN_LINES = 10 * SECOND;
  private static final long WINDOW = 180 * SECOND;

  /**
   * How far the run was.
   *
   * @param work expected of the images that were done
   * @param measuredWork expected of those whose seconds are known
   * @param seconds of those
   */
  private record Moment(long time, long done, double work, double measuredWork, double seconds) {}

  private final PrintStream stream;
  private final boolean terminal;
  private final LongSupplier clock;
  private final long total;
  private final long start;
  private final Deque<Moment> recent = new ArrayDeque<>();
  private double totalWork;
  private long imagesBefore;
  private double workBefore;
  private long images;
  private double work;
  private double measuredWork;
  private double seconds;
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
    this.totalWork = total;
    this.images = total;
    this.work = total;
    recent.add(now(start));
    show(start);
  }

  /**
   * Says how much work is expected of all images; that of each few is to be said by {@link #begins}
   * before they end.
   *
   * @param work in any unit, above 0
   */
  public synchronized void expects(double work) {
    totalWork = work;
    images = 0;
    this.work = 0;
    imagesBefore = 0;
    workBefore = 0;
  }

  /** The next images begin, of which so much work is expected; those before them are done. */
  public synchronized void begins(long images, double work) {
    imagesBefore += this.images;
    workBefore += this.work;
    this.images = images;
    this.work = work;
  }

  /** An image of which so much work was expected took so many seconds. */
  public synchronized void measured(double work, double seconds) {
    if (work > 0 && seconds > 0) {
      measuredWork += work;
      this.seconds += seconds;
    }
  }

  private Moment now(long time) {
    double share = images == 0 ? 0 : Math.min(1, (done - imagesBefore) / (double) images);
    return new Moment(time, done, workBefore + Math.max(0, share) * work, measuredWork, seconds);
  }

  /** Seconds that the rest will take; NaN where nothing tells yet, or the end has come. */
  synchronized double secondsLeft() {
    Moment now = now(clock.getAsLong());
    Moment from = recent.getFirst();
    double time = (now.time() - from.time()) / (double) SECOND;
    double workTime = (now.work() - from.work()) / time;
    if (closed || done >= total || !(workTime > 0)) {
      return Double.NaN;
    }
    double recently = now.measuredWork() - from.measuredWork();
    // Of how much of the expected cost the last images took, by that of all.
    double unlike =
        recently > 0
            ? (now.seconds() - from.seconds()) / recently / (now.seconds() / now.measuredWork())
            : 1;
    return Math.max(0, totalWork - now.work()) / (workTime * unlike);
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
      recent.add(now(now));
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
    Moment from = recent.getFirst();
    double minutes = (now - (closed ? start : from.time())) / (60.0 * SECOND);
    double rate = minutes > 0 ? (done - (closed ? 0 : from.done())) / minutes : 0;
    if (rate > 0) {
      line.append(
          String.format(Locale.ROOT, rate < 10 ? ", %.1f a minute" : ", %,.0f a minute", rate));
      double left = secondsLeft();
      // Less, and "0.0 s" above all, is none that somebody could wait for.
      if (left >= 1) {
        line.append(", ").append(Durations.text(left)).append(" left");
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

package org.starmill.trace;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes spans as JSON in the trace event format, which ui.perfetto.dev and chrome://tracing open.
 *
 * <p>A process of the file is an executor, a thread one of its cores or devices. The file is whole
 * JSON after each {@link #add}: what a killed run leaves can be opened. At most a million spans are
 * written, the rest is counted in the name of a last, empty process. Safe for several threads.
 */
public final class TraceFile implements AutoCloseable {
  private static final long MOST = 1_000_000;
  private static final String HEAD = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
  private static final String TAIL = "\n]}\n";

  /** Numbers of the tracks of devices begin here, so that they stand below the cores. */
  private static final int FIRST_DEVICE = 1000;

  private static final Comparator<Span> OUTER_FIRST =
      Comparator.comparingLong(Span::start)
          .thenComparing(Comparator.comparingLong(Span::nanos).reversed());

  private final RandomAccessFile file;
  private final Path path;
  private final Map<String, Integer> processes = new HashMap<>();
  private final Map<Track, Integer> tracks = new HashMap<>();

  /** Nanoseconds since 1970 that the file counts from. */
  private final long origin = System.currentTimeMillis() * 1_000_000;

  private long end;
  private long written;
  private long dropped;
  private boolean first = true;

  /**
   * Opens a file.
   *
   * @param path of a local file, replaced if there is one
   */
  public TraceFile(Path path) throws IOException {
    this.path = path;
    Recording.askForTransferTimes();
    file = new RandomAccessFile(path.toFile(), "rw");
    file.setLength(0);
    append(HEAD);
    finish();
  }

  private TraceFile() {
    path = null;
    file = null;
  }

  /** One that writes nothing: what is done with it is done, and that is all. */
  public static TraceFile off() {
    return new TraceFile();
  }

  /** What is recorded. */
  public interface Work<T, E extends Exception> {
    T run() throws E;
  }

  /** Does the work on the calling thread, and writes its spans to a track. */
  public <T, E extends Exception> T record(Track track, String name, Work<T, E> work) throws E {
    if (file == null) {
      return work.run();
    }
    Recording recording = Recording.begin();
    try (recording;
        Trace.Open task = Trace.task(name)) {
      return work.run();
    } finally {
      add(track, recording.take(), recording.dropped());
    }
  }

  /**
   * Writes the spans of a track.
   *
   * @param spans that nest
   * @param lost how many there were beyond these
   */
  public synchronized void add(Track track, List<Span> spans, long lost) {
    if (file == null) {
      return;
    }
    try {
      dropped += lost;
      StringBuilder events = new StringBuilder();
      for (Span span : spans.stream().sorted(OUTER_FIRST).toList()) {
        if (written >= MOST) {
          dropped++;
          continue;
        }
        written++;
        event(events, span, number(track, false, events), process(track.process(), events));
        if (span.device() != null) {
          Track device = new Track(track.process(), span.device());
          event(events, span, number(device, true, events), process(track.process(), events));
        }
      }
      append(events.toString());
      finish();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private UncheckedIOException failure(IOException e) {
    return new UncheckedIOException(
        "the trace %s cannot be written: %s".formatted(path, e.getMessage()), e);
  }

  private int process(String name, StringBuilder events) {
    Integer known = processes.get(name);
    if (known == null) {
      known = processes.size() + 1;
      processes.put(name, known);
      name(events, "process_name", name, known, 0);
    }
    return known;
  }

  private int number(Track track, boolean device, StringBuilder events) {
    Integer known = tracks.get(track);
    if (known == null) {
      int pid = process(track.process(), events);
      known = (device ? FIRST_DEVICE : 1) + tracks.size();
      tracks.put(track, known);
      name(events, "thread_name", track.core(), pid, known);
    }
    return known;
  }

  private void name(StringBuilder events, String what, String name, int pid, int tid) {
    comma(events)
        .append("{\"name\":\"")
        .append(what)
        .append("\",\"ph\":\"M\",\"pid\":")
        .append(pid)
        .append(",\"tid\":")
        .append(tid)
        .append(",\"args\":{\"name\":");
    quoted(events, name).append("}}");
  }

  private void event(StringBuilder events, Span span, int tid, int pid) {
    quoted(comma(events).append("{\"name\":"), span.name());
    events.append(",\"cat\":\"").append(span.category()).append("\",\"ph\":\"X\",\"ts\":");
    microseconds(events, span.start() - origin).append(",\"dur\":");
    microseconds(events, span.nanos()).append(",\"pid\":").append(pid);
    events.append(",\"tid\":").append(tid);
    if (span.count() > 0) {
      events
          .append(",\"args\":{\"")
          .append(span.category().equals(Trace.TRANSFER) ? "bytes" : "items")
          .append("\":")
          .append(span.count())
          .append('}');
    }
    events.append('}');
  }

  private StringBuilder comma(StringBuilder events) {
    events.append(first ? "\n" : ",\n");
    first = false;
    return events;
  }

  private static StringBuilder microseconds(StringBuilder events, long nanos) {
    return events.append(String.format(Locale.ROOT, "%d.%03d", nanos / 1000, nanos % 1000));
  }

  private static StringBuilder quoted(StringBuilder events, String text) {
    events.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        events.append('\\').append(c);
      } else if (c < ' ') {
        events.append(String.format("\\u%04x", (int) c));
      } else {
        events.append(c);
      }
    }
    return events.append('"');
  }

  private void append(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    file.seek(end);
    file.write(bytes);
    end += bytes.length;
  }

  /** Writes what makes the file whole; the next events go over it. */
  private void finish() throws IOException {
    file.seek(end);
    file.write(TAIL.getBytes(StandardCharsets.UTF_8));
    file.setLength(file.getFilePointer());
  }

  @Override
  public synchronized void close() {
    if (file == null) {
      return;
    }
    try {
      if (dropped > 0) {
        StringBuilder events = new StringBuilder();
        process("%,d spans were too many and are left out".formatted(dropped), events);
        append(events.toString());
        finish();
      }
      file.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }
}

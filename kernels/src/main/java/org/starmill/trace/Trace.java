package org.starmill.trace;

/**
 * Opens spans on the calling thread's recording, where it has one.
 *
 * <pre>{@code
 * try (Trace.Open step = Trace.step("sky")) {
 *   ...
 * }
 * }</pre>
 *
 * <p>Until the first recording of a JVM begins, opening and closing a span is a look at a field
 * that the compiler takes out of loops.
 */
public final class Trace {
  static final String TASK = "task";
  static final String IMAGE = "image";
  static final String STEP = "step";
  static final String KERNEL = "kernel";
  static final String TRANSFER = "transfer";
  static final String WAIT = "wait";

  private static final Open NOTHING = new Open(null, null, null, null, 0, 0);
  private static final ThreadLocal<Recording> CURRENT = new ThreadLocal<>();

  /** Set with the first recording; a thread that sees it late misses a span at most. */
  private static boolean on;

  private Trace() {}

  /** A share of the work that one core does without a break. */
  public static Open task(String name) {
    return open(TASK, name, null, 0);
  }

  /** All that is done for one image. */
  public static Open image(String name) {
    return open(IMAGE, name, null, 0);
  }

  /** A step of the way of an image, or of a campaign. */
  public static Open step(String name) {
    return open(STEP, name, null, 0);
  }

  /**
   * A run of a kernel.
   *
   * @param device name of the OpenCL device, which has a track of its own; null on the Java device
   */
  public static Open kernel(Class<?> kernel, int items, String device) {
    return on ? open(KERNEL, kernel.getSimpleName(), device, items) : NOTHING;
  }

  /**
   * Arrays on their way to a device or back.
   *
   * @param name such as "to the device"
   * @param bytes how many; 0 where that is not known
   */
  public static Open transfer(String name, String device, long bytes) {
    return open(TRANSFER, name, device, bytes);
  }

  /** Waiting for something that others have. */
  public static Open waiting(String what) {
    return open(WAIT, what, null, 0);
  }

  /**
   * A transfer that has ended, known by the device's own clock.
   *
   * @param nanosAgo how long ago it began
   * @param nanos how long it took
   * @param bytes how many
   */
  public static void transferred(
      String name, String device, long nanosAgo, long nanos, long bytes) {
    Recording recording = on ? CURRENT.get() : null;
    if (recording != null) {
      long start = System.nanoTime() - nanosAgo;
      recording.add(TRANSFER, name, device, start, start + nanos, bytes);
    }
  }

  /** Whether the calling thread's spans are kept. */
  public static boolean isOn() {
    return on && CURRENT.get() != null;
  }

  private static Open open(String category, String name, String device, long count) {
    if (!on) {
      return NOTHING;
    }
    Recording recording = CURRENT.get();
    return recording == null
        ? NOTHING
        : new Open(recording, category, name, device, count, System.nanoTime());
  }

  static void bind(Recording recording) {
    on = true;
    CURRENT.set(recording);
  }

  static void unbind() {
    CURRENT.remove();
  }

  /** A span that has begun; closing ends it. */
  public static final class Open implements AutoCloseable {
    private final Recording recording;
    private final String category;
    private final String name;
    private final String device;
    private final long count;
    private final long start;

    private Open(
        Recording recording, String category, String name, String device, long count, long start) {
      this.recording = recording;
      this.category = category;
      this.name = name;
      this.device = device;
      this.count = count;
      this.start = start;
    }

    @Override
    public void close() {
      if (recording != null) {
        recording.add(category, name, device, start, System.nanoTime(), count);
      }
    }
  }
}

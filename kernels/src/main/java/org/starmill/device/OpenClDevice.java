package org.starmill.device;

import com.aparapi.Kernel;
import com.aparapi.ProfileInfo;
import com.aparapi.ProfileReport;
import com.aparapi.Range;
import com.aparapi.device.OpenCLDevice;
import com.aparapi.exception.CompileFailedException;
import com.aparapi.internal.jni.KernelRunnerJNI;
import com.aparapi.internal.kernel.KernelManager;
import com.aparapi.internal.kernel.KernelPreferences;
import com.aparapi.internal.kernel.KernelRunner;
import java.lang.ref.WeakReference;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.starmill.trace.Trace;

/**
 * Runs kernels on an OpenCL device through Aparapi, or says why it cannot.
 *
 * <p>Every way by which Aparapi would go on in Java is closed: a kernel is checked for what aborts
 * the JVM, then translated and built for this device before its first run; its range is bound to
 * the device; and after each run the device has to have reported it, without a failure. What
 * crosses the bus is chosen by {@link Transfers}, what fits by {@link DeviceMemory}. One run at a
 * time in a JVM: Aparapi serialises them anyway, and keeps its choice of devices per kernel class,
 * not per kernel.
 */
final class OpenClDevice implements Device {
  // What OpenCL reserves or Aparapi's translation trips over.
  private static final Set<String> RESERVED =
      Set.of("half", "kernel", "local", "global", "constant");

  /** Items a work group on a GPU: whole warps, or wavefronts. */
  private static final int GROUP_OF_GPU = 64;

  /**
   * The same on a CPU, which takes the groups one by one: a few hundred items, rows or bands, are
   * then shared out evenly, and the loops within an item are what its compiler makes vectors of.
   */
  private static final int GROUP_OF_CPU = 1;

  /** Aparapi counts an array's bytes in an int. */
  private static final long MOST_OF_APARAPI = Integer.MAX_VALUE;

  // Fair, so that no task waits for ever behind the others.
  private static final ReentrantLock ONE_AT_A_TIME = new ReentrantLock(true);

  private static final Field RUNNER = open(Kernel.class, "kernelRunner");
  private static final Field CONTEXT = open(KernelRunner.class, "jniContextHandle");
  private static final Method GET = openGet();

  private final OpenCLDevice device;
  private final DeviceInfo info;
  private final int group;
  private final Map<Class<?>, DeviceException> refused = new ConcurrentHashMap<>();
  private final Set<Class<?>> accepted = ConcurrentHashMap.newKeySet();

  private final DeviceMemory memory;

  /**
   * Opens a device.
   *
   * @param mostBytes memory that kernels may take of it
   */
  OpenClDevice(OpenCLDevice device, DeviceInfo info, long mostBytes) {
    this.device = device;
    this.info = info;
    this.group =
        device.getType() == com.aparapi.device.Device.TYPE.CPU ? GROUP_OF_CPU : GROUP_OF_GPU;
    this.memory =
        new DeviceMemory(
            info.name(),
            mostBytes,
            Math.min(device.getMaxMemAllocSize(), MOST_OF_APARAPI),
            device.isSharedMemory());
  }

  @Override
  public String name() {
    return info.name();
  }

  @Override
  public boolean isOpenCl() {
    return true;
  }

  @Override
  public boolean vectorizesLoops() {
    return info.kind() == DeviceInfo.Kind.OPENCL_CPU;
  }

  @Override
  public boolean usesVectors() {
    return false;
  }

  @Override
  public void run(ItemKernel kernel, int items) {
    if (items < 0 || items > Integer.MAX_VALUE - GROUP_OF_GPU) {
      throw new IllegalArgumentException(
          "%d items: expected 0 to %d".formatted(items, Integer.MAX_VALUE - GROUP_OF_GPU));
    }
    kernel.setItems(items);
    if (items == 0) {
      return;
    }
    try (Trace.Open waiting = Trace.waiting("waiting for the device")) {
      ONE_AT_A_TIME.lock();
    }
    try {
      build(kernel);
      KernelArrays arrays = KernelArrays.of(kernel);
      memory.claim(kernel, arrays);
      Transfers transfers = Transfers.of(kernel, arrays);
      send(kernel, transfers);
      execute(kernel, transfers, (items + group - 1) / group * group);
      fetch(kernel, transfers);
    } catch (RuntimeException | Error e) {
      Transfers.forget(kernel);
      throw e;
    } finally {
      kernel.forgetUnchanged();
      ONE_AT_A_TIME.unlock();
    }
  }

  @Override
  public void prepare(ItemKernel kernel) {
    ONE_AT_A_TIME.lock();
    try {
      build(kernel);
    } finally {
      ONE_AT_A_TIME.unlock();
    }
  }

  /** Translates and builds the kernel for this device, unless that was done or has failed. */
  private void build(ItemKernel kernel) {
    Class<?> type = kernel.getClass();
    DeviceException earlier = refused.get(type);
    if (earlier != null) {
      // Aparapi would take its half-made program of the first try for a whole one.
      throw new DeviceException(earlier.getMessage(), earlier);
    }
    try {
      if (accepted.add(type)) {
        requireFieldsThatOpenClTakes(type);
      }
      LinkedHashSet<com.aparapi.device.Device> only = new LinkedHashSet<>();
      only.add(device);
      KernelManager.instance().setPreferredDevices(kernel, only);
      // Aparapi's own choice leaves out what reaches a helper method as a parameter.
      kernel.setExplicit(true);
      kernel.compile(device);
    } catch (DeviceException e) {
      refused.put(type, e);
      throw e;
    } catch (CompileFailedException | RuntimeException | LinkageError | AssertionError e) {
      DeviceException failure = failure(kernel, "cannot be built for", reasonNotBuilt(e), e);
      refused.put(type, failure);
      throw failure;
    }
  }

  private void execute(ItemKernel kernel, Transfers transfers, int range) {
    long before = lastReport(kernel);
    try (Trace.Open launch = Trace.kernel(kernel.getClass(), kernel.items, name())) {
      // The size of a group is named: a range that may choose its own moves to another device when
      // this one fails.
      kernel.execute(Range.create(device, range, group));
      traceTransfers(kernel, transfers);
    } catch (RuntimeException | LinkageError | AssertionError e) {
      throw failure(kernel, "failed on", reasonNotRun(kernel), e);
    }
    KernelPreferences preferences = KernelManager.instance().getPreferences(kernel);
    if (preferences.getFailedDevices().contains(device)) {
      throw failure(kernel, "failed on", reasonNotRun(kernel), null);
    }
    if (lastReport(kernel) == before) {
      throw failure(kernel, "did not run on", "the device reported no run", null);
    }
  }

  private static void send(ItemKernel kernel, Transfers transfers) {
    KernelRunner runner = runnerOf(kernel);
    for (Object array : transfers.toDevice()) {
      runner.put(array);
    }
  }

  private void fetch(ItemKernel kernel, Transfers transfers) {
    KernelRunner runner = runnerOf(kernel);
    for (Object array : transfers.fromDevice()) {
      int status;
      try (Trace.Open way =
          Trace.transfer("from the device", name(), KernelFields.bytesOf(array))) {
        status = get(runner, array);
      }
      if (status != 0) {
        throw failure(kernel, "gave nothing back from", "OpenCL's error " + status, null);
      }
    }
  }

  /**
   * Says how long arrays were on their way to the device, as Aparapi tells where it is asked to.
   */
  private void traceTransfers(ItemKernel kernel, Transfers transfers) {
    List<ProfileInfo> events = Trace.isOn() ? kernel.getProfileInfo() : null;
    if (events == null || events.isEmpty()) {
      return;
    }
    long end = events.stream().mapToLong(ProfileInfo::getEnd).max().getAsLong();
    for (ProfileInfo event : events) {
      // Aparapi's own type of it cannot be seen from here: W, R, or X for the run itself.
      Object type = event.getType();
      if (type.toString().equals("W")) {
        Trace.transferred(
            "to the device: " + event.getLabel(),
            name(),
            end - event.getStart(),
            event.getEnd() - event.getStart(),
            bytesSent(kernel, transfers, event.getLabel()));
      }
    }
  }

  private static long bytesSent(ItemKernel kernel, Transfers transfers, String name) {
    for (Field field : KernelFields.of(kernel.getClass())) {
      if (field.getName().equals(name)) {
        Object array = KernelFields.valueOf(field, kernel);
        return transfers.sends(array) ? KernelFields.bytesOf(array) : 0;
      }
    }
    return 0;
  }

  /** Aparapi's own part of a kernel, for its public put takes no short[]. */
  private static KernelRunner runnerOf(ItemKernel kernel) {
    try {
      return (KernelRunner) RUNNER.get(kernel);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Brings an array back; Aparapi's public get keeps OpenCL's answer to itself. */
  private static int get(KernelRunner runner, Object array) {
    try {
      return (int) GET.invoke(runner, CONTEXT.getLong(runner), array);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Field open(Class<?> type, String name) {
    try {
      Field field = type.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Method openGet() {
    try {
      Method get = KernelRunnerJNI.class.getDeclaredMethod("getJNI", long.class, Object.class);
      get.setAccessible(true);
      return get;
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The number of the last run of a kernel of this class that this device reported, or -1. */
  private long lastReport(Kernel kernel) {
    WeakReference<ProfileReport> reference = kernel.getProfileReportCurrentThread(device);
    ProfileReport report = reference == null ? null : reference.get();
    return report == null ? -1 : report.getReportId();
  }

  private DeviceException failure(ItemKernel kernel, String what, String reason, Throwable cause) {
    return new DeviceException(
        "kernel %s %s the device \"%s\": %s; --device java runs it without OpenCL"
            .formatted(kernel.getClass().getSimpleName(), what, name(), reason),
        cause);
  }

  private static String reasonNotBuilt(Throwable thrown) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    if (thrown == root && thrown instanceof CompileFailedException) {
      return "%s (the compiler's own words are on stderr)".formatted(thrown.getMessage());
    }
    return "its source cannot be translated to OpenCL (%s)".formatted(root.getMessage());
  }

  /** Aparapi keeps OpenCL's error to itself; the arrays are what it mostly is about. */
  private static String reasonNotRun(ItemKernel kernel) {
    for (Field field : KernelFields.of(kernel.getClass())) {
      if (field.getType().isArray()) {
        Object array = KernelFields.valueOf(field, kernel);
        if (array == null) {
          return "its array %s is null".formatted(field.getName());
        }
        if (Array.getLength(array) == 0) {
          return "its array %s is empty, expected at least one element".formatted(field.getName());
        }
      }
    }
    return "OpenCL refused to run it, for lack of memory perhaps (its own words are on stderr)";
  }

  /**
   * Refuses the fields that a kernel must not have: a boolean one aborts the JVM in native code,
   * the others fail in ways hard to understand.
   */
  private static void requireFieldsThatOpenClTakes(Class<?> type) {
    for (Field field : KernelFields.of(type)) {
      Class<?> of = field.getType();
      if (of == boolean.class || of == short.class || of == byte.class || of == char.class) {
        throw new DeviceException(
            "kernel %s has the field %s of type %s: expected int, float, long or double, or an array"
                .formatted(type.getSimpleName(), field.getName(), of));
      }
      if (RESERVED.contains(field.getName())) {
        throw new DeviceException(
            "kernel %s has a field named %s, a word of OpenCL's own: rename it"
                .formatted(type.getSimpleName(), field.getName()));
      }
    }
  }

  /** OpenCL's threads are not the JVM's: their time is not known here. */
  @Override
  public long helperCpuNanos() {
    return 0;
  }

  /** Nothing to give back: what a run takes on the device belongs to its kernel. */
  @Override
  public void close() {}
}

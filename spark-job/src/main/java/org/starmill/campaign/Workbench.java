package org.starmill.campaign;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;
import org.starmill.calibrate.Masters;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.device.DeviceException;
import org.starmill.device.Devices;
import org.starmill.image.RawFrame;
import org.starmill.measure.ImageReducer;
import org.starmill.measure.Measurement;
import org.starmill.measure.ReductionSettings;
import org.starmill.trace.Trace;

/**
 * A device with the kernels and buffers to reduce images on it.
 *
 * <p>Of this JVM's benches each task borrows one and gives it back for the next task, so that
 * kernels are translated once and buffers are allocated once. Where the wanted device is missing or
 * fails and the settings allow it, the bench goes on with the Java device and says so.
 */
final class Workbench {
  /** All that one bench can have otherwise than another. */
  private record Kind(
      String device,
      boolean fallsBackToJava,
      int threads,
      long mostBytes,
      ReductionSettings reduction) {}

  private static final Map<Kind, ConcurrentLinkedDeque<Workbench>> FREE = new ConcurrentHashMap<>();

  private final Kind kind;
  private Device device;
  private ImageReducer reducer;
  private String fallback;
  private boolean leftBehind;

  private Workbench(Kind kind) {
    this.kind = kind;
    try {
      device = Devices.choose(kind.device(), kind.threads(), kind.mostBytes());
    } catch (DeviceException missing) {
      device = javaInsteadOf(missing);
    }
    reducer = new ImageReducer(device, kind.reduction());
  }

  /**
   * Does a task's work on a bench of this JVM.
   *
   * @param taskCpus cores of a task: as many threads the Java device gets where the settings name
   *     no number
   */
  static <T> T with(CampaignConfig config, int taskCpus, Function<Workbench, T> work) {
    CampaignConfig.DeviceChoice choice = config.device();
    Kind kind =
        new Kind(
            withAddress(choice.name()),
            choice.fallsBackToJava(),
            choice.threads() > 0 ? choice.threads() : taskCpus,
            choice.mostBytes(),
            config.reduction());
    ConcurrentLinkedDeque<Workbench> free =
        FREE.computeIfAbsent(kind, k -> new ConcurrentLinkedDeque<>());
    Workbench bench = free.pollFirst();
    if (bench == null) {
      try (Trace.Open opening = Trace.step("opening the device")) {
        bench = new Workbench(kind);
      }
    }
    T result;
    try {
      result = work.apply(bench);
    } catch (RuntimeException | Error failure) {
      // Its buffers may be half filled or its device gone: nobody is to borrow it again.
      bench.close(failure);
      throw failure;
    }
    free.addFirst(bench);
    return result;
  }

  private void close(Throwable failure) {
    if (leftBehind) {
      // They are in use, for good.
      return;
    }
    try {
      reducer.close();
      device.close();
    } catch (RuntimeException alsoFailed) {
      failure.addSuppressed(alsoFailed);
    }
  }

  /** Gives the memory of the buffers back; the next image has new ones. */
  void dropBuffers() {
    reducer.close();
    reducer = new ImageReducer(device, kind.reduction());
  }

  /**
   * Leaves device and kernels to a thread that does not come back from them, and goes on with
   * others.
   *
   * @param what was to be done, such as "measuring file:/n/1.fits"
   * @throws DeviceException where it is an OpenCL device, which serves one thread at a time, and
   *     nothing may take over
   */
  void leaveBehind(String what) {
    leftBehind = true;
    device =
        device.isOpenCl()
            ? javaInsteadOf(
                new DeviceException(
                    "device \"%s\" does not come back from %s; see whether its driver answers (starmill devices), or use --device java"
                        .formatted(device.name(), what)))
            : Devices.java(kind.threads());
    reducer = new ImageReducer(device, kind.reduction());
    leftBehind = false;
  }

  /** The GPU that Spark has given to this task, where it was asked for one. */
  static String withAddress(String device) {
    TaskContext task = TaskContext.get();
    if (task == null || !(device.equals("gpu") || device.equals("auto"))) {
      return device;
    }
    ResourceInformation gpu = task.resourcesJMap().get("gpu");
    return gpu == null || gpu.addresses().length == 0 ? device : device + ":" + gpu.addresses()[0];
  }

  private Device javaInsteadOf(DeviceException failure) {
    if (!kind.fallsBackToJava()) {
      throw failure;
    }
    fallback = "device fallback: the Java device took over, since " + failure.getMessage();
    return Devices.java(kind.threads());
  }

  /**
   * Reduces a frame.
   *
   * @throws DeviceException where the device fails and nothing may take over
   */
  Measurement measure(RawFrame frame, Masters masters) {
    return onDevice(() -> reducer.measure(frame, masters));
  }

  /**
   * Does work on this bench; where its device fails and the Java device may take over, again.
   *
   * @throws DeviceException where the device fails and nothing may take over
   */
  <T> T onDevice(Supplier<T> work) {
    Device used = device;
    try {
      return work.get();
    } catch (DeviceException failure) {
      if (fallback != null || device != used) {
        throw failure;
      }
      Device instead = javaInsteadOf(failure);
      reducer.close();
      device.close();
      device = instead;
      reducer = new ImageReducer(device, kind.reduction());
      return work.get();
    }
  }

  Device device() {
    return device;
  }

  /** What is to be said in each image's row about another device than the wanted one; or null. */
  String fallback() {
    return fallback;
  }
}

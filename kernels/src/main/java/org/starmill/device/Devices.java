package org.starmill.device;

import com.aparapi.Config;
import com.aparapi.device.OpenCLDevice;
import com.aparapi.internal.opencl.OpenCLLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/**
 * Finds and opens the devices of this machine.
 *
 * <p>OpenCL is looked for once a JVM, and only when a device other than Java's is asked for: some
 * drivers replace the JVM's signal handlers as soon as they are loaded.
 */
public final class Devices {
  /** The words that {@link #choose} takes. */
  public static final List<String> CHOICES = List.of("auto", "gpu", "opencl-cpu", "java");

  /**
   * Whether kernels use the Vector API: this JVM was started with --add-modules
   * jdk.incubator.vector, and not with -Dstarmill.vectors=false. Spark asks for the module by
   * itself; a JVM whose compiler makes no vector instructions of it is faster without.
   */
  public static final boolean VECTORS =
      !"false".equals(System.getProperty("starmill.vectors"))
          && ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();

  /** Stands for three quarters of an OpenCL device's memory. */
  public static final long DEFAULT_MEMORY = 0;

  // The driver and other programs need some too.
  private static final double DEFAULT_SHARE = 0.75;

  private Devices() {}

  /**
   * The Java device with the given number of threads; it uses the Vector API where {@link #VECTORS}
   * says that there is one.
   */
  public static Device java(int threads) {
    return new JavaDevice(threads, VECTORS);
  }

  /** The Java device without the Vector API: what all others are compared with. */
  public static Device scalarJava(int threads) {
    return new JavaDevice(threads, false);
  }

  /** All devices: OpenCL's GPUs, its CPUs, and the Java device, which is always there. */
  public static List<DeviceInfo> list() {
    List<DeviceInfo> all = new ArrayList<>();
    for (Found found : OpenCl.FOUND) {
      all.add(found.info());
    }
    all.add(
        new DeviceInfo(
            "java",
            DeviceInfo.Kind.JAVA,
            System.getProperty("java.vendor"),
            Runtime.getRuntime().maxMemory(),
            Runtime.getRuntime().availableProcessors(),
            System.getProperty("java.version")));
    return all;
  }

  /**
   * Opens the device that is wanted.
   *
   * @param wanted {@code auto} (a GPU where there is one, else Java), {@code gpu}, {@code
   *     opencl-cpu} or {@code java}; {@code gpu:1} is the second GPU
   * @param threads of the Java device, should it be that
   * @throws IllegalArgumentException for any other word
   * @throws DeviceException where a named device is missing, with what was found and what to
   *     install
   */
  public static Device choose(String wanted, int threads) {
    return choose(wanted, threads, DEFAULT_MEMORY);
  }

  /**
   * Opens the device that is wanted.
   *
   * @param mostBytes memory that kernels may take of an OpenCL device, as {@code device.max-memory}
   *     has it; {@link #DEFAULT_MEMORY} for a share of what it has
   */
  public static Device choose(String wanted, int threads, long mostBytes) {
    String word = wanted.strip().toLowerCase(Locale.ROOT);
    int number = 0;
    int colon = word.indexOf(':');
    if (colon >= 0) {
      number = numberAfter(colon, word, wanted);
      word = word.substring(0, colon);
    }
    return switch (word) {
      case "java" -> java(threads);
      case "auto" ->
          number < count(DeviceInfo.Kind.GPU)
              ? open(DeviceInfo.Kind.GPU, number, mostBytes)
              : java(threads);
      case "gpu" -> open(DeviceInfo.Kind.GPU, number, mostBytes);
      case "opencl-cpu" -> open(DeviceInfo.Kind.OPENCL_CPU, number, mostBytes);
      default -> throw unknown(wanted);
    };
  }

  /** What to install where no OpenCL device was found, with what was; null where there is one. */
  public static String adviceWithoutOpenCl() {
    if (!OpenCl.FOUND.isEmpty()) {
      return null;
    }
    String found =
        OpenCl.LIBRARY
            ? "the OpenCL library is here, but knows no device"
            : "no OpenCL library (libOpenCL.so.1) is here";
    return found
        + "; install ocl-icd-libopencl1 and, for a GPU, the OpenCL driver of its vendor, for a"
        + " processor pocl-opencl-icd (names of Debian's packages)";
  }

  /**
   * Opens a device that {@link #list} gave.
   *
   * @param threads of the Java device, should it be that
   */
  public static Device open(DeviceInfo info, int threads) {
    if (info.kind() == DeviceInfo.Kind.JAVA) {
      return java(threads);
    }
    for (Found found : OpenCl.FOUND) {
      if (found.info() == info) {
        return opened(found, DEFAULT_MEMORY);
      }
    }
    throw new DeviceException("the device \"%s\" is not of this JVM's list".formatted(info.name()));
  }

  private static int numberAfter(int colon, String word, String wanted) {
    String digits = word.substring(colon + 1);
    if (!digits.matches("\\d{1,4}")) {
      throw unknown(wanted);
    }
    return Integer.parseInt(digits);
  }

  private static IllegalArgumentException unknown(String wanted) {
    return new IllegalArgumentException(
        "device \"%s\": expected one of %s".formatted(wanted, String.join(", ", CHOICES)));
  }

  private static long count(DeviceInfo.Kind kind) {
    return OpenCl.FOUND.stream().filter(found -> found.info().kind() == kind).count();
  }

  private static Device opened(Found found, long mostBytes) {
    long most =
        mostBytes == DEFAULT_MEMORY
            ? (long) (DEFAULT_SHARE * found.info().memoryBytes())
            : mostBytes;
    return new OpenClDevice(found.device(), found.info(), most);
  }

  private static Device open(DeviceInfo.Kind kind, int number, long mostBytes) {
    List<Found> fitting =
        OpenCl.FOUND.stream().filter(found -> found.info().kind() == kind).toList();
    if (number < fitting.size()) {
      Found found = fitting.get(number);
      return opened(found, mostBytes);
    }
    throw new DeviceException(missing(kind, number));
  }

  private static String missing(DeviceInfo.Kind kind, int number) {
    String what =
        kind == DeviceInfo.Kind.GPU ? "GPU that OpenCL can use" : "CPU that OpenCL can use";
    String install =
        kind == DeviceInfo.Kind.GPU
            ? "install ocl-icd-libopencl1 and the OpenCL driver of the GPU's vendor"
            : "install one (Debian: apt-get install ocl-icd-libopencl1 pocl-opencl-icd)";
    String found;
    if (!OpenCl.FOUND.isEmpty()) {
      found =
          OpenCl.FOUND.stream()
              .map(one -> "%s \"%s\"".formatted(one.info().kind().word(), one.info().name()))
              .collect(Collectors.joining(", "));
    } else if (OpenCl.LIBRARY) {
      found = "the OpenCL library, but no device";
    } else {
      found = "no OpenCL library (libOpenCL.so.1)";
    }
    return "device %s: no %s%s; found: %s; %s, or use --device java"
        .formatted(kind.word(), what, number == 0 ? "" : " with number " + number, found, install);
  }

  /** An OpenCL device with what is told of it. */
  private record Found(OpenCLDevice device, DeviceInfo info) {}

  /** What OpenCL has; looked up when this class is first used. */
  private static final class OpenCl {
    // Held here, since the logging of java.util forgets the level of a logger that nobody holds.
    private static final Logger APARAPI = Logger.getLogger(Config.getLoggerName());
    private static final boolean LIBRARY;
    private static final List<Found> FOUND;

    static {
      // It logs what is no fault of the user's; whoever wants to read it sets its own property.
      if (System.getProperty(Config.getLoggerName()) == null) {
        APARAPI.setLevel(Level.OFF);
      }
      // Aparapi takes every device for one that shares the host's memory, which a GPU with its own
      // does at the price of every access crossing the bus.
      OpenCLDevice.setConfigurator(
          device -> device.setSharedMemory(device.getType() == com.aparapi.device.Device.TYPE.CPU));
      LIBRARY = OpenCLLoader.isOpenCLAvailable();
      FOUND = LIBRARY ? find() : List.of();
    }

    private static List<Found> find() {
      List<Found> gpus = new ArrayList<>();
      List<Found> cpus = new ArrayList<>();
      for (OpenCLDevice device : OpenCLDevice.listDevices(null)) {
        if (device.getType() == com.aparapi.device.Device.TYPE.CPU) {
          cpus.add(describe(device, DeviceInfo.Kind.OPENCL_CPU));
        } else if (device.getType() == com.aparapi.device.Device.TYPE.GPU) {
          gpus.add(describe(device, DeviceInfo.Kind.GPU));
        }
      }
      gpus.addAll(cpus);
      return List.copyOf(gpus);
    }

    private static Found describe(OpenCLDevice device, DeviceInfo.Kind kind) {
      String name = device.getName() == null ? device.getShortDescription() : device.getName();
      return new Found(
          device,
          new DeviceInfo(
              name.strip(),
              kind,
              device.getOpenCLPlatform().getVendor().strip(),
              device.getGlobalMemSize(),
              device.getMaxComputeUnits(),
              device.getOpenCLPlatform().getVersion().strip()));
    }
  }
}

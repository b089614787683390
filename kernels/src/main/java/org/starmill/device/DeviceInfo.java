package org.starmill.device;

/**
 * A device that was found.
 *
 * @param name the device's own name, or "java"
 * @param kind what it is chosen by
 * @param vendor of the OpenCL platform or of the JVM
 * @param memoryBytes the device's memory; of the Java device the largest heap
 * @param computeUnits processors as the device counts them
 * @param version of OpenCL and its driver, or of Java
 */
public record DeviceInfo(
    String name, Kind kind, String vendor, long memoryBytes, int computeUnits, String version) {

  /** What a device is chosen by. */
  public enum Kind {
    JAVA("java"),
    OPENCL_CPU("opencl-cpu"),
    GPU("gpu");

    private final String word;

    Kind(String word) {
      this.word = word;
    }

    /** The word of {@code --device}. */
    public String word() {
      return word;
    }
  }
}

package org.starmill.device;

/** Finds and opens the devices of this machine. */
public final class Devices {
  private Devices() {}

  /** The Java device with the given number of threads. */
  public static Device java(int threads) {
    return new JavaDevice(threads);
  }
}

package org.starmill.device;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * What crosses the bus for one run of a kernel, each array once either way at most.
 *
 * <p>An array goes to the device unless the kernel says that it is unchanged and it is the one that
 * went there last; one that the kernel may write comes back.
 *
 * @param toDevice before the run
 * @param fromDevice after it
 */
record Transfers(List<Object> toDevice, List<Object> fromDevice) {
  // What each kernel's buffers were last filled from. Aparapi's buffers belong to one kernel.
  private static final Map<ItemKernel, Map<String, WeakReference<Object>>> LAST =
      new WeakHashMap<>();

  /**
   * Chooses the transfers of the next run.
   *
   * @throws DeviceException where one array stands in two fields: each would have a buffer of its
   *     own on the device
   */
  static Transfers of(ItemKernel kernel, KernelArrays arrays) {
    synchronized (LAST) {
      return of(kernel, arrays, LAST.computeIfAbsent(kernel, k -> new HashMap<>()));
    }
  }

  /** Forgets what a kernel's buffers hold: a run failed. */
  static void forget(ItemKernel kernel) {
    synchronized (LAST) {
      LAST.remove(kernel);
    }
  }

  private static Transfers of(
      ItemKernel kernel, KernelArrays arrays, Map<String, WeakReference<Object>> last) {
    List<Object> to = new ArrayList<>();
    List<Object> from = new ArrayList<>();
    for (KernelArrays.Used used : arrays.used()) {
      Object array = KernelFields.valueOf(used.field(), kernel);
      if (array == null) {
        continue;
      }
      String name = used.field().getName();
      WeakReference<Object> before = last.put(name, new WeakReference<>(array));
      boolean there = before != null && before.get() == array;
      if (used.sent() && !(there && kernel.isUnchanged(array))) {
        demandOnce(kernel, name, array, to);
        to.add(array);
      }
      if (used.fetched()) {
        from.add(array);
      }
    }
    return new Transfers(to, from);
  }

  /** Whether an array is sent. */
  boolean sends(Object array) {
    return toDevice.stream().anyMatch(one -> one == array);
  }

  private static void demandOnce(
      ItemKernel kernel, String name, Object array, List<Object> others) {
    for (Object other : others) {
      if (other == array) {
        throw new DeviceException(
            "kernel %s has one array in two fields, %s the second: expected an array of its own for each"
                .formatted(kernel.getClass().getSimpleName(), name));
      }
    }
  }
}

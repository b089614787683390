package org.starmill.device;

import java.lang.reflect.Array;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * Stands for a device with memory of its own, which the OpenCL devices of a machine without a GPU
 * do not have: kernels run, by the scalar source, on copies of their arrays, filled with rubbish
 * until they are sent, and nothing comes back that is not fetched.
 */
final class OwnMemoryDevice implements Device {
  private final Device scalar = Devices.scalarJava(1);
  private final Map<ItemKernel, Map<String, Object>> buffers = new WeakHashMap<>();
  private final String forgotten;
  private long sentBytes;

  OwnMemoryDevice() {
    this(null);
  }

  /** The same that never sends one array again, once it has it. */
  OwnMemoryDevice(String forgotten) {
    this.forgotten = forgotten;
  }

  @Override
  public void run(ItemKernel kernel, int items) {
    KernelArrays arrays = KernelArrays.of(kernel);
    Transfers transfers = Transfers.of(kernel, arrays);
    Map<String, Object> own = buffers.computeIfAbsent(kernel, k -> new HashMap<>());
    Map<KernelArrays.Used, Object> hosts = new HashMap<>();
    for (KernelArrays.Used used : arrays.used()) {
      String name = used.field().getName();
      Object host = KernelFields.valueOf(used.field(), kernel);
      Object buffer = own.get(name);
      boolean fresh = !KernelFields.sameSize(host, buffer);
      if (fresh) {
        buffer = rubbish(host);
        own.put(name, buffer);
      }
      if (contains(transfers.toDevice(), host) && (fresh || !name.equals(forgotten))) {
        System.arraycopy(host, 0, buffer, 0, Array.getLength(host));
        sentBytes += KernelFields.bytesOf(host);
      }
      hosts.put(used, host);
      KernelFields.set(used.field(), kernel, buffer);
    }
    scalar.run(kernel, items);
    for (KernelArrays.Used used : arrays.used()) {
      Object host = hosts.get(used);
      KernelFields.set(used.field(), kernel, host);
      if (contains(transfers.fromDevice(), host)) {
        Object buffer = own.get(used.field().getName());
        System.arraycopy(buffer, 0, host, 0, Array.getLength(host));
      }
    }
  }

  private static boolean contains(List<Object> arrays, Object array) {
    return arrays.stream().anyMatch(one -> one == array);
  }

  private static Object rubbish(Object like) {
    int length = Array.getLength(like);
    Object rubbish = Array.newInstance(like.getClass().getComponentType(), length);
    for (int i = 0; i < length; i++) {
      Array.setByte(rubbish, i, (byte) 77);
    }
    return rubbish;
  }

  /** Bytes that went to the device so far. */
  long sentBytes() {
    return sentBytes;
  }

  @Override
  public String name() {
    return "memory of its own";
  }

  @Override
  public boolean isOpenCl() {
    return false;
  }

  @Override
  public boolean usesVectors() {
    return false;
  }

  @Override
  public void prepare(ItemKernel kernel) {}

  @Override
  public long helperCpuNanos() {
    return 0;
  }

  @Override
  public void close() {
    scalar.close();
  }
}

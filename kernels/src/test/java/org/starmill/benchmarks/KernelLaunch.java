package org.starmill.benchmarks;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.MasterSettings;
import org.starmill.calibrate.Masters;
import org.starmill.device.Device;
import org.starmill.device.ItemKernel;
import org.starmill.image.Detector;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;
import org.starmill.measure.ImageReducer;
import org.starmill.measure.ReductionSettings;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedFrame;
import sun.reflect.ReflectionFactory;

/**
 * A run of a kernel as it happens on the way of an image, to be done again and again.
 *
 * <p>A simulated field is reduced on a device that is listened to; of each kernel the first of the
 * runs with the most items is copied, with all its arrays, before it begins.
 */
final class KernelLaunch {
  /** As many stars a pixel as 20,000 on 3072 x 3080. */
  private static final double STARS_A_PIXEL = 20_000.0 / (3072 * 3080);

  private final ItemKernel kernel;
  private final int items;
  private final List<Object> arrays = new ArrayList<>();
  private final List<Object> pristine = new ArrayList<>();

  private KernelLaunch(ItemKernel original, int items) {
    this.items = items;
    try {
      kernel = withoutConstructor(original.getClass());
      for (Class<?> at = original.getClass(); at != ItemKernel.class; at = at.getSuperclass()) {
        for (Field field : at.getDeclaredFields()) {
          if (!Modifier.isStatic(field.getModifiers())) {
            copy(field, original);
          }
        }
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ItemKernel withoutConstructor(Class<?> type) throws ReflectiveOperationException {
    Constructor<?> constructor =
        ReflectionFactory.getReflectionFactory()
            .newConstructorForSerialization(type, ItemKernel.class.getDeclaredConstructor());
    return (ItemKernel) constructor.newInstance();
  }

  private void copy(Field field, ItemKernel original) throws ReflectiveOperationException {
    field.setAccessible(true);
    Object value = field.get(original);
    if (value != null && field.getType().isArray()) {
      Object mine = cloned(value);
      arrays.add(mine);
      pristine.add(cloned(value));
      value = mine;
    }
    field.set(kernel, value);
  }

  private static Object cloned(Object array) {
    int length = Array.getLength(array);
    Object clone = Array.newInstance(array.getClass().getComponentType(), length);
    System.arraycopy(array, 0, clone, 0, length);
    return clone;
  }

  /** Number of items of the run. */
  int items() {
    return items;
  }

  /** Puts back into the arrays what was in them before the run. */
  void restore() {
    for (int i = 0; i < arrays.size(); i++) {
      System.arraycopy(pristine.get(i), 0, arrays.get(i), 0, Array.getLength(arrays.get(i)));
    }
  }

  /** Does the run. */
  void run(Device device) {
    device.run(kernel, items);
  }

  /**
   * Reduces a field of so many pixels a side, masters included.
   *
   * @return a run of each kernel that the device was given, by the name of its class
   */
  static Map<String, KernelLaunch> record(Device device, int side) {
    Map<String, KernelLaunch> launches = new TreeMap<>();
    Device heard =
        (Device)
            Proxy.newProxyInstance(
                KernelLaunch.class.getClassLoader(),
                new Class<?>[] {Device.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("run")) {
                    ItemKernel kernel = (ItemKernel) arguments[0];
                    int items = (int) arguments[1];
                    String name = kernel.getClass().getSimpleName();
                    KernelLaunch known = launches.get(name);
                    if (items > (known == null ? 0 : known.items)) {
                      launches.put(name, new KernelLaunch(kernel, items));
                    }
                  }
                  try {
                    return method.invoke(device, arguments);
                  } catch (InvocationTargetException failed) {
                    throw failed.getCause();
                  }
                });
    SimulatedCamera camera =
        new SimulatedCamera(
            CameraSettings.ztfLike()
                .withSize(side, side)
                .withStars((int) Math.round(STARS_A_PIXEL * side * side)));
    MasterBuilder builder = new MasterBuilder(heard, MasterSettings.DEFAULT);
    Master bias =
        builder.bias(IntStream.range(0, 10).mapToObj(i -> raw(camera, camera.bias(i))).toList());
    Master flat =
        builder.flat(
            IntStream.range(0, 5).mapToObj(i -> raw(camera, camera.flat(i))).toList(), bias);
    try (ImageReducer reducer = new ImageReducer(heard, ReductionSettings.DEFAULT)) {
      reducer.reduce(raw(camera, camera.science(1).frame()), new Masters(bias, flat));
    }
    return launches;
  }

  private static RawFrame raw(SimulatedCamera camera, SimulatedFrame frame) {
    CameraSettings.Chip chip = camera.settings().chip();
    return new RawFrame(
        frame.adu(),
        frame.columns(),
        frame.height(),
        new Section(0, 0, frame.width(), frame.height()),
        new Section(frame.width(), 0, frame.overscan(), frame.height()),
        new Detector(chip.gain(), chip.readNoise(), camera.settings().saturation(), List.of()));
  }
}

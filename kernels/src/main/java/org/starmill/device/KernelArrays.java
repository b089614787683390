package org.starmill.device;

import com.aparapi.internal.exception.AparapiException;
import com.aparapi.internal.model.ClassModel;
import com.aparapi.internal.model.Entrypoint;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The arrays that a kernel's translation uses, and which way each has to cross the bus.
 *
 * <p>Found in the class files by Aparapi, once for each class. Aparapi's own account of what is
 * read and written knows an array only where it is indexed in its field's name: one that is handed
 * to a helper method is in neither list, and is taken here for both.
 *
 * @param used in the order of the translation
 */
record KernelArrays(List<Used> used) {
  private static final Map<Class<?>, KernelArrays> KNOWN = new ConcurrentHashMap<>();

  KernelArrays {
    used = List.copyOf(used);
  }

  /**
   * An array's field.
   *
   * @param sent whether its contents matter to a run
   * @param fetched whether a run may change them, and somebody looks
   */
  record Used(Field field, boolean sent, boolean fetched) {}

  static KernelArrays of(ItemKernel kernel) {
    return KNOWN.computeIfAbsent(kernel.getClass(), type -> find(kernel));
  }

  private static KernelArrays find(ItemKernel kernel) {
    try {
      Entrypoint code = ClassModel.createClassModel(kernel.getClass()).getEntrypoint("run", kernel);
      List<Used> used = new ArrayList<>();
      for (Field field : KernelFields.of(kernel.getClass())) {
        String name = field.getName();
        if (field.getType().isArray() && code.getReferencedFieldNames().contains(name)) {
          boolean scratch = field.isAnnotationPresent(ItemKernel.Scratch.class);
          boolean output = field.isAnnotationPresent(ItemKernel.Output.class);
          boolean onlyRead =
              code.getArrayFieldAccesses().contains(name)
                  && !code.getArrayFieldAssignments().contains(name);
          used.add(new Used(field, !scratch && !output, !scratch && !onlyRead));
        }
      }
      return new KernelArrays(used);
    } catch (AparapiException e) {
      throw new DeviceException(
          "kernel %s: its arrays could not be found: %s"
              .formatted(kernel.getClass().getSimpleName(), e.getMessage()),
          e);
    }
  }
}

package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import sun.reflect.ReflectionFactory;

class KernelsOnOpenClTest {
  @Test
  void everyKernelOfTheWayIsTakenByOpenCl() throws Exception {
    DeviceInfo found =
        Devices.list().stream()
            .filter(info -> info.kind() != DeviceInfo.Kind.JAVA)
            .findFirst()
            .orElse(null);
    assumeTrue(found != null, "no OpenCL device on this machine");
    List<Class<?>> kernels = kernels();
    assertThat(kernels).isNotEmpty();

    List<String> refused = new ArrayList<>();
    try (Device device = Devices.open(found, 1)) {
      for (Class<?> kernel : kernels) {
        try {
          device.prepare(withoutItsArrays(kernel));
        } catch (DeviceException e) {
          refused.add(e.getMessage());
        }
      }
    }
    assertThat(refused).isEmpty();
  }

  private static List<Class<?>> kernels() {
    List<Class<?>> kernels = new ArrayList<>();
    for (JavaClass type :
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("org.starmill")) {
      if (type.isAssignableTo(ItemKernel.class)
          && !type.getModifiers().contains(JavaModifier.ABSTRACT)) {
        kernels.add(type.reflect());
      }
    }
    return kernels;
  }

  /** A kernel whose own constructor has not run: translation looks at its class alone. */
  private static ItemKernel withoutItsArrays(Class<?> type) throws ReflectiveOperationException {
    Constructor<?> constructor =
        ReflectionFactory.getReflectionFactory()
            .newConstructorForSerialization(type, ItemKernel.class.getDeclaredConstructor());
    return (ItemKernel) constructor.newInstance();
  }
}

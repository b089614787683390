package org.starmill.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.device.ItemKernel;

class KernelLaunchTest {
  @Test
  void everyKernelOfTheWayIsBenchmarked() {
    Set<String> kernels =
        new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("org.starmill")
                .stream()
                .filter(type -> type.isAssignableTo(ItemKernel.class))
                .filter(type -> !type.getModifiers().contains(JavaModifier.ABSTRACT))
                // Those within another class are the self-check's own.
                .filter(JavaClass::isTopLevelClass)
                .map(JavaClass::getSimpleName)
                // It draws single stamps in the caller's thread.
                .filter(name -> !name.equals("PsfStampKernel"))
                .collect(Collectors.toSet());
    try (Device device = Devices.scalarJava(1)) {
      Map<String, KernelLaunch> launches = KernelLaunch.record(device, 256);

      assertThat(launches.keySet()).containsExactlyInAnyOrderElementsOf(kernels);
      launches.forEach(
          (name, launch) -> {
            launch.run(device);
            launch.restore();
            launch.run(device);
            assertThat(launch.items()).as(name).isPositive();
          });
    }
  }
}

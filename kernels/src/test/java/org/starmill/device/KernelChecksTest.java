package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class KernelChecksTest {
  @Test
  void noKernelIsWithoutACheck() {
    List<String> kernels =
        new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("org.starmill")
                .stream()
                .filter(type -> type.isAssignableTo(ItemKernel.class))
                .filter(type -> !type.getModifiers().contains(JavaModifier.ABSTRACT))
                .map(JavaClass::getName)
                .toList();
    assertThat(kernels).hasSizeGreaterThan(18);
    assertThat(SelfCheck.ofAllKernels().checks())
        .extracting(check -> check.kernel().getName())
        .containsExactlyInAnyOrderElementsOf(kernels);
  }

  @Test
  void everyOutputOfEveryCheckHasValuesThatTheKernelHasSet() {
    for (KernelCheck<?> check : SelfCheck.ofAllKernels().checks()) {
      demandValues(check);
    }
  }

  private static <K extends ItemKernel> void demandValues(KernelCheck<K> check) {
    for (KernelCheck.Output<K> output : check.outputs()) {
      boolean set = false;
      for (long seed = 0; seed < 20 && !set; seed++) {
        K kernel = check.input().of(61, new SplittableRandom(seed), false);
        float[] before = output.values().apply(kernel).clone();
        try (Device scalar = Devices.scalarJava(1)) {
          scalar.run(kernel, 61);
        }
        float[] after = output.values().apply(kernel);
        for (int i = 0; i < after.length; i++) {
          set |= Float.compare(after[i], before[i]) != 0;
        }
      }
      assertThat(set).as("%s of %s", output.name(), check.name()).isTrue();
    }
  }
}

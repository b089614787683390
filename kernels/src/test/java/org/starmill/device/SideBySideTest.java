package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What is done side by side for an OpenCL compiler is what is done one by one elsewhere. */
class SideBySideTest {
  @Test
  void pixelsDoneSideBySideAreThoseDoneOneByOne() throws ReflectiveOperationException {
    List<String> compared = new ArrayList<>();
    for (KernelCheck<?> check : SelfCheck.ofAllKernels().checks()) {
      for (Field field : KernelFields.of(check.kernel())) {
        if (field.getName().equals("sideBySide")) {
          compare(check, field);
          compared.add(check.name());
        }
      }
    }
    assertThat(compared).contains("CombineKernel", "ColumnSegmentKernel", "PsfNormalKernel");
  }

  private static <K extends ItemKernel> void compare(KernelCheck<K> check, Field sideBySide)
      throws ReflectiveOperationException {
    for (int items : new int[] {1, 7, 61, 97}) {
      for (long seed = 0; seed < 4; seed++) {
        K one = check.input().of(items, new SplittableRandom(seed), false);
        K other = check.input().of(items, new SplittableRandom(seed), false);
        sideBySide.setInt(one, 0);
        sideBySide.setInt(other, 1);
        try (Device device = Devices.scalarJava(2)) {
          device.run(one, items);
          device.run(other, items);
        }
        for (KernelCheck.Output<K> output : check.outputs()) {
          float[] expected = output.values().apply(one);
          float[] found = output.values().apply(other);
          assertThat(found).hasSameSizeAs(expected);
          for (int i = 0; i < found.length; i++) {
            double tolerance = check.tolerance() * Math.max(1, Math.abs(expected[i]));
            assertThat(Math.abs(found[i] - expected[i]))
                .as("%s, %d items, %s %d", check.name(), items, output.name(), i)
                .isLessThanOrEqualTo((float) tolerance);
          }
        }
      }
    }
  }
}

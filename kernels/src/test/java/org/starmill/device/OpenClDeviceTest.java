package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OpenClDeviceTest {
  private static Device device;

  /** Sums an array into every item. */
  private static final class SumKernel extends ItemKernel {
    private float[] terms;
    private float[] sums;
    private int count;

    @Override
    public void item(int item) {
      float sum = 0f;
      for (int i = 0; i < count; i++) {
        sum += terms[i];
      }
      sums[item] = sum + item;
    }
  }

  /** Holds what Aparapi does not translate. */
  private static final class SwitchKernel extends ItemKernel {
    private final float[] output = new float[64];
    private int which = 1;

    @Override
    public void item(int item) {
      switch (which) {
        case 1:
          output[item] = 1f;
          break;
        case 7:
          output[item] = 7f;
          break;
        default:
          output[item] = 2f;
      }
    }
  }

  /** Holds a field that aborts the JVM in native code. */
  private static final class BooleanKernel extends ItemKernel {
    private final float[] output = new float[64];
    private boolean twice = true;

    @Override
    public void item(int item) {
      output[item] = twice ? 2f : 1f;
    }
  }

  /** Holds a field named by a word of OpenCL. */
  private static final class ReservedWordKernel extends ItemKernel {
    private final float[] output = new float[64];
    private float half = 0.5f;

    @Override
    public void item(int item) {
      output[item] = half;
    }
  }

  @BeforeAll
  static void findADevice() {
    DeviceInfo found =
        Devices.list().stream()
            .filter(info -> info.kind() != DeviceInfo.Kind.JAVA)
            .findFirst()
            .orElse(null);
    assumeTrue(found != null, "no OpenCL device on this machine");
    device = Devices.open(found, 1);
  }

  private static SumKernel sum(int terms, float term, int items) {
    SumKernel kernel = new SumKernel();
    set(kernel, terms, term, items);
    return kernel;
  }

  private static void set(SumKernel kernel, int terms, float term, int items) {
    kernel.terms = new float[terms];
    Arrays.fill(kernel.terms, term);
    kernel.count = terms;
    kernel.sums = new float[items];
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 1009, 65_537})
  void everyItemIsDoneAndNoneBeyondTheLast(int items) {
    SumKernel kernel = sum(3, 2f, items + 100);
    Arrays.fill(kernel.sums, -1f);

    device.run(kernel, items);

    for (int i = 0; i < kernel.sums.length; i++) {
      assertThat(kernel.sums[i]).isEqualTo(i < items ? 6f + i : -1f);
    }
  }

  @Test
  void noItemsAreNoRun() {
    device.run(sum(1, 1f, 1), 0);
    device.run(new SwitchKernel(), 0);
  }

  @Test
  void arraysMayBeExchangedForOthersOfOtherLengthsBetweenRuns() {
    SumKernel kernel = sum(3, 1f, 10);
    device.run(kernel, 10);
    float[] first = kernel.sums;
    set(kernel, 1000, 2f, 5000);
    device.run(kernel, 5000);
    assertThat(first[9]).isEqualTo(12f);
    assertThat(kernel.sums[4999]).isEqualTo(2000f + 4999);
    set(kernel, 2, 5f, 7);
    device.run(kernel, 7);
    assertThat(kernel.sums).containsExactly(10f, 11f, 12f, 13f, 14f, 15f, 16f);
    kernel.terms[0] = 100f;
    device.run(kernel, 7);
    assertThat(kernel.sums[0]).isEqualTo(105f);
  }

  @Test
  void aKernelThatCannotBeTranslatedFailsAndDoesNotRunInJava() {
    for (int attempt = 0; attempt < 3; attempt++) {
      SwitchKernel kernel = new SwitchKernel();
      assertThatThrownBy(() -> device.run(kernel, 64))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("kernel SwitchKernel")
          .hasMessageContaining(device.name())
          .hasMessageContaining("--device java");
      assertThat(kernel.output).containsOnly(0f);
    }
  }

  @Test
  void aKernelIsRefusedBeforeItsFieldsCanAbortTheJvm() {
    assertThatThrownBy(() -> device.prepare(new BooleanKernel()))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("field twice of type boolean");
    assertThatThrownBy(() -> device.prepare(new ReservedWordKernel()))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("field named half");
  }

  @Test
  void anArrayThatIsEmptyOrNullIsNamedAndTheKernelRunsWhenItIsThere() {
    SumKernel kernel = sum(0, 1f, 10);
    assertThatThrownBy(() -> device.run(kernel, 10))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("array terms is empty");
    kernel.terms = null;
    assertThatThrownBy(() -> device.run(kernel, 10))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("array terms is null");
    assertThat(kernel.sums).containsOnly(0f);

    set(kernel, 1, 1f, 10);
    device.run(kernel, 10);
    assertThat(kernel.sums[9]).isEqualTo(10f);
  }

  @Test
  @Timeout(120)
  void tasksThatShareADeviceDoNotDisturbEachOther() throws Exception {
    ExecutorService tasks = Executors.newFixedThreadPool(4);
    try {
      List<Future<Float>> results = new ArrayList<>();
      for (int task = 0; task < 4; task++) {
        float term = task + 1;
        results.add(
            tasks.submit(
                () -> {
                  SumKernel kernel = sum(100, term, 1009);
                  for (int run = 0; run < 50; run++) {
                    Arrays.fill(kernel.sums, 0f);
                    device.run(kernel, 1009);
                    for (int i = 0; i < 1009; i++) {
                      if (kernel.sums[i] != 100f * term + i) {
                        return Float.NaN;
                      }
                    }
                  }
                  return term;
                }));
      }
      for (int task = 0; task < 4; task++) {
        assertThat(results.get(task).get()).isEqualTo(task + 1f);
      }
    } finally {
      tasks.shutdownNow();
    }
  }

  @Test
  void aThousandRunsAddNoThreads() {
    SumKernel kernel = sum(10, 1f, 100);
    device.run(kernel, 100);
    int before = Thread.activeCount();
    for (int i = 0; i < 1000; i++) {
      device.run(kernel, 100);
    }
    assertThat(Thread.activeCount()).isLessThanOrEqualTo(before);
  }

  @Test
  void powersAreTheSameOnBothDevicesButForRounding() {
    ItemKernelTest.FunctionsOfManyNumbers java = ItemKernelTest.ofMoffatProfiles(200_000);
    ItemKernelTest.FunctionsOfManyNumbers openCl = ItemKernelTest.ofMoffatProfiles(200_000);
    java.base[0] = openCl.base[0] = Float.NaN;
    java.base[1] = openCl.base[1] = Float.POSITIVE_INFINITY;
    java.exponent[2] = openCl.exponent[2] = 0f;
    Devices.java(1).run(java, 200_000);
    device.run(openCl, 200_000);

    assertThat(openCl.power[0]).isNaN();
    assertThat(openCl.power[1]).isNaN();
    assertThat(openCl.logarithm[0]).isNaN();
    assertThat(openCl.power[2]).isEqualTo(1f);
    double worst = 0;
    for (int i = 2; i < 200_000; i++) {
      if (java.power[i] > 1e-37f) {
        worst = Math.max(worst, Math.abs(openCl.power[i] / java.power[i] - 1.0));
      }
      double logarithm = Math.max(1e-3, Math.abs(java.logarithm[i]));
      worst = Math.max(worst, Math.abs(openCl.logarithm[i] - java.logarithm[i]) / logarithm);
      worst = Math.max(worst, Math.abs(openCl.exponential[i] / java.exponential[i] - 1.0));
    }
    assertThat(worst).isLessThan(1.5e-6);
  }

  private static Device withMemory(long bytes) {
    String kind = Devices.list().get(0).kind() == DeviceInfo.Kind.GPU ? "gpu" : "opencl-cpu";
    return Devices.choose(kind, 1, bytes);
  }

  @Test
  void aKernelThatWantsMoreMemoryThanItMayIsRefusedWithTheFiguresAndRunsWithLess() {
    try (Device small = withMemory(100_000)) {
      SumKernel kernel = sum(20_000, 1f, 10_000);
      assertThatThrownBy(() -> small.run(kernel, 10_000))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("kernel SumKernel needs 120000 bytes (0.1 MB)")
          .hasMessageContaining(small.name())
          .hasMessageContaining("may take 100000 bytes")
          .hasMessageContaining("device.max-memory")
          .hasMessageContaining("--device java");
      assertThat(kernel.sums).containsOnly(0f);
      set(kernel, 10_000, 1f, 10_000);
      small.run(kernel, 10_000);
      assertThat(kernel.sums[9999]).isEqualTo(10_000f + 9999);
    }
  }

  @Test
  void anUnchangedArrayIsAskedForAgainWhenItIsAnother() {
    SumKernel kernel = sum(3, 1f, 10);
    device.run(kernel, 10);
    kernel.unchanged(kernel.terms);
    device.run(kernel, 10);
    assertThat(kernel.sums[9]).isEqualTo(12f);
    kernel.terms = new float[] {2f, 2f, 2f};
    kernel.unchanged(kernel.terms);
    device.run(kernel, 10);
    assertThat(kernel.sums[9]).isEqualTo(15f);
  }
}

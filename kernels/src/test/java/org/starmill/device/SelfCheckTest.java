package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SelfCheckTest {
  /** Adds one; on a JVM whose device is told so, wrongly or not at all. */
  private static final class AddKernel extends ItemKernel {
    private float[] input;
    private float[] output;

    @Override
    public void item(int item) {
      output[item] = input[item] + 1f;
    }
  }

  /** Runs kernels on one thread, and then spoils what they gave. */
  private record Spoilt(Device device, float last) implements Device {
    @Override
    public void run(ItemKernel kernel, int items) {
      device.run(kernel, items);
      if (kernel instanceof AddKernel add) {
        add.output[items - 1] = last;
      }
    }

    @Override
    public String name() {
      return "spoilt";
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
    public void prepare(ItemKernel kernel) {
      if (Float.isInfinite(last)) {
        throw new DeviceException("kernel AddKernel cannot be built");
      }
    }

    @Override
    public long helperCpuNanos() {
      return 0;
    }

    @Override
    public void close() {
      device.close();
    }
  }

  private static final KernelCheck<AddKernel> ADD =
      KernelCheck.of(
              AddKernel.class,
              1e30,
              (items, random, vectors) -> {
                AddKernel kernel = new AddKernel();
                kernel.input = new float[items];
                for (int i = 0; i < items; i++) {
                  kernel.input[i] = random.nextInt(1000);
                }
                kernel.output = new float[items];
                return kernel;
              })
          .giving("sum", kernel -> kernel.output);

  private static List<SelfCheck.Outcome> onSpoilt(double tolerance, float last) {
    KernelCheck<AddKernel> check =
        new KernelCheck<>(AddKernel.class, tolerance, tolerance, ADD.input(), ADD.outputs());
    try (Device device = new Spoilt(Devices.scalarJava(1), last)) {
      return new SelfCheck(List.of(check)).run(device);
    }
  }

  @Test
  void everySizeOfEveryCheckHasAnOutcome() {
    try (Device device = Devices.scalarJava(2)) {
      List<SelfCheck.Outcome> outcomes = new SelfCheck(new DeviceChecks().checks()).run(device);
      assertThat(outcomes).hasSize(9).allMatch(SelfCheck.Outcome::passed);
      assertThat(outcomes)
          .extracting(SelfCheck.Outcome::items)
          .containsExactly(1, 61, 1025, 1, 61, 1025, 1, 61, 1025);
      assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.largestDifference()).isZero());
      assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.seconds()).isPositive());
    }
  }

  @Test
  void aDeviceThatGivesAnotherValueIsFoundOutWithTheValue() {
    assertThat(onSpoilt(1e-3, 5000f))
        .hasSize(3)
        .allSatisfy(
            outcome ->
                assertThat(outcome.failure())
                    .startsWith("with its first input, its sum differs: value ")
                    .contains(outcome.items() - 1 + " is 5000.0, Java gives"));
  }

  @Test
  void aValueThatIsNoNumberOnOneDeviceOnlyIsADifference() {
    assertThat(onSpoilt(1e30, Float.NaN)).noneMatch(SelfCheck.Outcome::passed);
  }

  @Test
  void aKernelThatFailsSaysWhyAndTheOthersAreCheckedAllTheSame() {
    try (Device device = new Spoilt(Devices.scalarJava(1), Float.POSITIVE_INFINITY)) {
      SelfCheck.Outcome outcome = SelfCheck.run(ADD, 7, 1, device);
      assertThat(outcome.failure()).isEqualTo("kernel AddKernel cannot be built");
      assertThat(outcome.largestDifference()).isNaN();
    }
    assertThat(onSpoilt(1, Float.POSITIVE_INFINITY)).hasSize(3);
  }
}

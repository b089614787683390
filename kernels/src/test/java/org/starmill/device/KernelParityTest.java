package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tag;

/** Every kernel gives on every device what its scalar source gives in plain Java. */
class KernelParityTest {
  private static final List<KernelCheck<?>> CHECKS = SelfCheck.ofAllKernels().checks();

  /** One item, primes, and one more than a multiple of 64, the size of OpenCL's groups. */
  @Provide
  Arbitrary<Integer> sizes() {
    return Arbitraries.oneOf(
        Arbitraries.just(1),
        Arbitraries.of(2, 3, 7, 13, 61, 127, 257, 509, 1009),
        Arbitraries.integers().between(1, 20).map(k -> 64 * k + 1));
  }

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.longs().between(0, 1_000_000);
  }

  @Property(tries = 3, seed = "20", shrinking = ShrinkingMode.OFF)
  void vectorTwinsAgree(@ForAll("sizes") int items, @ForAll("seeds") long seed) {
    agreeOnTwins(items, seed);
  }

  @Property(tries = 3, seed = "21", shrinking = ShrinkingMode.OFF)
  void threadsAgree(@ForAll("sizes") int items, @ForAll("seeds") long seed) {
    try (Device device = Devices.scalarJava(3)) {
      agree(device, items, seed);
    }
  }

  @Property(tries = 3, seed = "22", shrinking = ShrinkingMode.OFF)
  void openClDevicesAgree(@ForAll("sizes") int items, @ForAll("seeds") long seed) {
    agreeOnOpenCl(items, seed);
  }

  @Tag("full")
  @Property(tries = 60, shrinking = ShrinkingMode.OFF)
  void vectorTwinsAgreeAtAnySeed(@ForAll("sizes") int items, @ForAll("seeds") long seed) {
    agreeOnTwins(items, seed);
  }

  @Tag("full")
  @Property(tries = 60, shrinking = ShrinkingMode.OFF)
  void openClDevicesAgreeAtAnySeed(@ForAll("sizes") int items, @ForAll("seeds") long seed) {
    agreeOnOpenCl(items, seed);
  }

  @Tag("full")
  @Property(tries = 2, shrinking = ShrinkingMode.OFF)
  void allDevicesAgreeOnManyItems(@ForAll("seeds") long seed) {
    agreeOnTwins(65_537, seed);
    agreeOnOpenCl(65_537, seed);
  }

  private static void agreeOnTwins(int items, long seed) {
    assumeTrue(Devices.VECTORS, "this JVM has no module jdk.incubator.vector");
    try (Device device = Devices.java(2)) {
      agree(device, items, seed);
    }
  }

  private static void agreeOnOpenCl(int items, long seed) {
    List<DeviceInfo> found =
        Devices.list().stream().filter(info -> info.kind() != DeviceInfo.Kind.JAVA).toList();
    assumeTrue(!found.isEmpty(), "no OpenCL device on this machine");
    for (DeviceInfo info : found) {
      try (Device device = Devices.open(info, 1)) {
        agree(device, items, seed);
      }
    }
  }

  private static void agree(Device device, int items, long seed) {
    List<String> failed = new ArrayList<>();
    for (KernelCheck<?> check : CHECKS) {
      SelfCheck.Outcome outcome = SelfCheck.run(check, items, seed, device);
      if (!outcome.passed()) {
        failed.add(check.name() + " " + outcome.failure());
      }
    }
    assertThat(failed).as("%d items, seed %d, on %s", items, seed, device.name()).isEmpty();
  }
}

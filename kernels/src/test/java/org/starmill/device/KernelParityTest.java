package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tag;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.LifecycleContext;
import net.jqwik.api.lifecycle.SkipExecutionHook;
import net.jqwik.api.statistics.Statistics;
import net.jqwik.api.statistics.StatisticsReport;
import net.jqwik.api.statistics.StatisticsReport.StatisticsReportMode;

/**
 * Every kernel gives on every device what its scalar source gives in plain Java: for one item, for
 * a prime number of them, and for one more than whole groups of 64, as OpenCL's GPUs take them.
 *
 * <p>A failure names the kernel, the device and the seed, with the smallest number of items found
 * for which they fail.
 */
class KernelParityTest {
  private static final List<KernelCheck<?>> KERNELS = SelfCheck.ofAllKernels().checks();
  private static final List<DeviceInfo> OPEN_CL =
      Devices.list().stream().filter(info -> info.kind() != DeviceInfo.Kind.JAVA).toList();
  private static final int LARGEST_PRIME = 3571;

  @Provide
  Arbitrary<KernelCheck<?>> kernels() {
    // All are edge cases: else the first and the last would meet the edges of sizes alone.
    return Arbitraries.of(KERNELS).edgeCases(edges -> KERNELS.forEach(edges::add)).dontShrink();
  }

  @Provide
  Arbitrary<Integer> sizes() {
    return sizes(64);
  }

  @Provide
  Arbitrary<Integer> largeSizes() {
    return sizes(1024);
  }

  private static Arbitrary<Integer> sizes(int mostGroups) {
    return Arbitraries.frequencyOf(
        Tuple.of(1, Arbitraries.just(1)),
        Tuple.of(4, Arbitraries.of(primes())),
        Tuple.of(4, Arbitraries.integers().between(1, mostGroups).map(groups -> 64 * groups + 1)));
  }

  private static List<Integer> primes() {
    return IntStream.rangeClosed(2, LARGEST_PRIME)
        .filter(n -> IntStream.rangeClosed(2, (int) Math.sqrt(n)).allMatch(k -> n % k > 0))
        .boxed()
        .toList();
  }

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.longs()
        .between(0, 1_000_000)
        .edgeCases(edges -> edges.includeOnly(0L))
        .dontShrink();
  }

  @Provide
  Arbitrary<Integer> threads() {
    return Arbitraries.integers().between(1, 3);
  }

  @Provide
  Arbitrary<DeviceInfo> openCl() {
    return Arbitraries.of(OPEN_CL).dontShrink();
  }

  @Property(tries = 60, seed = "20")
  void anyNumberOfThreadsGivesTheSame(
      @ForAll("kernels") KernelCheck<?> kernel,
      @ForAll("threads") int threads,
      @ForAll("sizes") int items,
      @ForAll("seeds") long seed) {
    try (Device device = Devices.scalarJava(threads)) {
      SelfCheck.Outcome outcome = agrees(kernel, device, items, seed);
      assertThat(outcome.largestDifference()).as(kernel.name()).isZero();
    }
  }

  @Property(tries = 130, seed = "21")
  @AddLifecycleHook(WithoutVectors.class)
  void vectorTwinsAgree(
      @ForAll("kernels") KernelCheck<?> kernel,
      @ForAll("threads") int threads,
      @ForAll("sizes") int items,
      @ForAll("seeds") long seed) {
    try (Device device = Devices.java(threads)) {
      agrees(kernel, device, items, seed);
    }
  }

  @Property(tries = 130, seed = "22")
  @AddLifecycleHook(WithoutOpenCl.class)
  void openClDevicesAgree(
      @ForAll("kernels") KernelCheck<?> kernel,
      @ForAll("openCl") DeviceInfo info,
      @ForAll("sizes") int items,
      @ForAll("seeds") long seed) {
    try (Device device = Devices.open(info, 1)) {
      agrees(kernel, device, items, seed);
    }
  }

  @Tag("full")
  @Property(tries = 400, seed = "23")
  @StatisticsReport(StatisticsReportMode.OFF)
  @AddLifecycleHook(WithoutVectors.class)
  void vectorTwinsAgreeOnManyItems(
      @ForAll("kernels") KernelCheck<?> kernel,
      @ForAll("threads") int threads,
      @ForAll("largeSizes") int items,
      @ForAll("seeds") long seed) {
    everyKernelIsDrawn(kernel);
    vectorTwinsAgree(kernel, threads, items, seed);
  }

  @Tag("full")
  @Property(tries = 400, seed = "24")
  @StatisticsReport(StatisticsReportMode.OFF)
  @AddLifecycleHook(WithoutOpenCl.class)
  void openClDevicesAgreeOnManyItems(
      @ForAll("kernels") KernelCheck<?> kernel,
      @ForAll("openCl") DeviceInfo info,
      @ForAll("largeSizes") int items,
      @ForAll("seeds") long seed) {
    everyKernelIsDrawn(kernel);
    openClDevicesAgree(kernel, info, items, seed);
  }

  private static SelfCheck.Outcome agrees(
      KernelCheck<?> kernel, Device device, int items, long seed) {
    SelfCheck.Outcome outcome = SelfCheck.run(kernel, items, seed, device);
    assertThat(outcome.failure())
        .as("%s on %s, %d items, seed %d", kernel.name(), device.name(), items, seed)
        .isNull();
    return outcome;
  }

  private static void everyKernelIsDrawn(KernelCheck<?> kernel) {
    Statistics.label("kernels")
        .collect(kernel.name())
        .coverage(
            drawn -> KERNELS.forEach(one -> drawn.check(one.name()).count(count -> count > 0)));
  }

  /** Skips what needs the Vector API. */
  private static final class WithoutVectors implements SkipExecutionHook {
    @Override
    public SkipResult shouldBeSkipped(LifecycleContext context) {
      return Devices.VECTORS
          ? SkipResult.doNotSkip()
          : SkipResult.skip("this JVM has no module jdk.incubator.vector");
    }
  }

  /** Skips what needs OpenCL. */
  private static final class WithoutOpenCl implements SkipExecutionHook {
    @Override
    public SkipResult shouldBeSkipped(LifecycleContext context) {
      return OPEN_CL.isEmpty()
          ? SkipResult.skip("no OpenCL device on this machine")
          : SkipResult.doNotSkip();
    }
  }
}

package org.starmill.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.starmill.device.Device;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;

/**
 * Times one run of each kernel on each device: the Vector API's twins ({@code java}), the same
 * source in plain Java ({@code scalar}), and what OpenCL has ({@code opencl-cpu}, {@code gpu}).
 *
 * <p>{@code mvn -B -Pbenchmarks -pl kernels -am -DskipTests test} runs all; {@code
 * -Dlaunches=java/Star.*} chooses some, {@code -Djmh="-f 3 -rf json"} gives JMH its options.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class KernelBenchmark {
  private static final int SIDE = 1024;

  /** Device and kernel, as java/StarNormalKernel. */
  @Param({})
  String launch;

  private Device device;
  private KernelLaunch recorded;

  /** Runs the kernels that the property {@code launches} matches, with JMH's options. */
  public static void main(String[] arguments) throws CommandLineOptionException, RunnerException {
    String wanted = System.getProperty("launches", ".*");
    List<String> launches = all().stream().filter(launch -> launch.matches(wanted)).toList();
    if (launches.isEmpty()) {
      throw new IllegalArgumentException(
          "launches=%s: expected some of %s".formatted(wanted, all()));
    }
    new Runner(
            new OptionsBuilder()
                .parent(new CommandLineOptions(arguments))
                .include(KernelBenchmark.class.getName())
                .param("launch", launches.toArray(new String[0]))
                .build())
        .run();
  }

  /** Every kernel that each device of this machine runs. */
  static List<String> all() {
    List<String> devices = new ArrayList<>(List.of("java", "scalar"));
    for (DeviceInfo info : Devices.list()) {
      if (info.kind() != DeviceInfo.Kind.JAVA && !devices.contains(info.kind().word())) {
        devices.add(info.kind().word());
      }
    }
    List<String> all = new ArrayList<>();
    for (String name : devices) {
      try (Device device = open(name)) {
        KernelLaunch.record(device, 256).keySet().forEach(kernel -> all.add(name + "/" + kernel));
      }
    }
    return all;
  }

  private static Device open(String name) {
    return name.equals("scalar") ? Devices.scalarJava(1) : Devices.choose(name, 1);
  }

  /** Reduces the field that the run is taken from. */
  @Setup
  public void record() {
    String[] parts = launch.split("/");
    device = open(parts[0]);
    recorded = KernelLaunch.record(device, SIDE).get(parts[1]);
    System.out.printf("%n# %s: %,d items%n", launch, recorded.items());
  }

  /** Makes the arrays what they were: a step of the fit from where it ended would be another. */
  @Setup(Level.Invocation)
  public void restore() {
    recorded.restore();
  }

  /** One run. */
  @Benchmark
  public void run() {
    recorded.run(device);
  }

  /** Gives the device back. */
  @TearDown
  public void close() {
    device.close();
  }
}

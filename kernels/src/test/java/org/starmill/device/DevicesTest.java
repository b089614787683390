package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DevicesTest {
  @TempDir Path folder;

  /** What a machine without devices says; run in a JVM of its own. */
  static final class Choice {
    public static void main(String[] wanted) {
      for (String word : wanted) {
        try (Device device = Devices.choose(word, 1)) {
          System.out.println(word + " opened " + device.name());
        } catch (DeviceException e) {
          System.out.println(word + " failed " + e.getMessage());
        }
      }
      System.out.println(Devices.list().size() + " devices");
    }
  }

  private record Ended(String out, String err) {}

  private Ended choices(String variable, String value, String... wanted) throws Exception {
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    ProcessBuilder process =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Choice.class.getName());
    process.command().addAll(List.of(wanted));
    process.environment().put(variable, value);
    process.redirectOutput(out.toFile()).redirectError(err.toFile());
    Process running = process.start();
    try {
      assertThat(running.waitFor(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      running.destroyForcibly();
    }
    return new Ended(read(out), read(err));
  }

  private static String read(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8);
  }

  private static boolean isLinux() {
    return System.getProperty("os.name").equals("Linux");
  }

  @Test
  void theJavaDeviceIsAlwaysThereAndListedLast() {
    List<DeviceInfo> all = Devices.list();
    DeviceInfo last = all.get(all.size() - 1);
    assertThat(last.kind()).isEqualTo(DeviceInfo.Kind.JAVA);
    assertThat(last.memoryBytes()).isPositive();
    assertThat(last.computeUnits()).isPositive();
    assertThat(all.stream().filter(info -> info.kind() == DeviceInfo.Kind.JAVA)).hasSize(1);
    try (Device device = Devices.open(last, 2)) {
      assertThat(device.isOpenCl()).isFalse();
    }
  }

  @Test
  void devicesAreLookedForOnceAJvm() {
    List<DeviceInfo> first = Devices.list();
    List<DeviceInfo> second = Devices.list();
    for (int i = 0; i < first.size() - 1; i++) {
      assertThat(second.get(i)).isSameAs(first.get(i));
    }
  }

  @Test
  void autoIsAGpuWhereThereIsOneAndElseJava() {
    boolean gpu = Devices.list().stream().anyMatch(info -> info.kind() == DeviceInfo.Kind.GPU);
    try (Device device = Devices.choose("auto", 2)) {
      assertThat(device.isOpenCl()).isEqualTo(gpu);
    }
  }

  @Test
  void aCpuThatOpenClKnowsIsChosenByName() {
    DeviceInfo cpu =
        Devices.list().stream()
            .filter(info -> info.kind() == DeviceInfo.Kind.OPENCL_CPU)
            .findFirst()
            .orElse(null);
    assumeTrue(cpu != null, "no OpenCL CPU device on this machine");
    assertThat(cpu.version()).startsWith("OpenCL ");
    assertThat(cpu.memoryBytes()).isPositive();
    try (Device device = Devices.choose("opencl-cpu", 1)) {
      assertThat(device.isOpenCl()).isTrue();
      assertThat(device.name()).isEqualTo(cpu.name());
    }
  }

  @Test
  void aWrongWordNamesTheRightOnes() {
    for (String wrong : List.of("cuda", "", "gpu:", "gpu:x", "opencl")) {
      assertThatThrownBy(() -> Devices.choose(wrong, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "device \"%s\": expected one of auto, gpu, opencl-cpu, java".formatted(wrong));
    }
  }

  @Test
  void aDeviceThatIsNotThereSaysWhatWasFound() {
    assertThatThrownBy(() -> Devices.choose("gpu:99", 1))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("number 99")
        .hasMessageContaining("found: ")
        .hasMessageContaining("--device java");
  }

  @Test
  void withoutAnOpenClDeviceANamedOneIsMissingInOneLineAndAutoIsJava() throws Exception {
    assumeTrue(isLinux(), "the loader of OpenCL is steered by a variable of Linux");
    Ended ended =
        choices(
            "OCL_ICD_VENDORS",
            folder.resolve("none").toString(),
            "auto",
            "gpu",
            "opencl-cpu",
            "java");
    assertThat(ended.out().lines().toList())
        .satisfiesExactly(
            auto -> assertThat(auto).isEqualTo("auto opened java"),
            gpu ->
                assertThat(gpu)
                    .startsWith("gpu failed device gpu: ")
                    .contains("; found: ", "driver of the GPU's vendor", "--device java"),
            cpu ->
                assertThat(cpu)
                    .startsWith("opencl-cpu failed device opencl-cpu: ")
                    .contains("apt-get install ocl-icd-libopencl1 pocl-opencl-icd"),
            java -> assertThat(java).isEqualTo("java opened java"),
            count -> assertThat(count).isEqualTo("1 devices"));
    assertThat(ended.err()).isEmpty();
  }

  @Test
  void withoutTheOpenClLibraryTheMessageSaysSoAndNothingIsLogged() throws Exception {
    assumeTrue(isLinux(), "the loader of libraries is steered by a variable of Linux");
    // A file that is no library, found before the machine's own.
    Files.writeString(folder.resolve("libOpenCL.so.1"), "no library");
    Ended ended = choices("LD_LIBRARY_PATH", folder.toString(), "auto", "opencl-cpu");
    assertThat(ended.out())
        .contains("auto opened java", "no OpenCL library (libOpenCL.so.1)", "1 devices");
    assertThat(ended.err()).isEmpty();
  }
}

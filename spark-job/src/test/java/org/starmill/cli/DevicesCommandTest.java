package org.starmill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.starmill.cli.Ended.execute;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;
import org.starmill.device.SelfCheck;

/** What a person sees who asks for the devices, or for one that is not here. */
class DevicesCommandTest {
  @TempDir Path folder;

  @Test
  void everyDeviceIsListedWithTheCheckOfEveryKernel() throws IOException {
    Ended ended = execute("devices", "--json");
    assertThat(ended.code()).as(ended.out()).isZero();
    JsonNode devices = new ObjectMapper().readTree(ended.out());
    assertThat(devices).hasSize(Devices.list().size());
    for (JsonNode device : devices) {
      assertThat(device.get("memory_bytes").asLong()).isPositive();
      assertThat(device.get("compute_units").asInt()).isPositive();
      assertThat(device.get("passed").asBoolean()).isTrue();
      assertThat(device.get("kernels")).hasSize(SelfCheck.ofAllKernels().checks().size());
      for (JsonNode kernel : device.get("kernels")) {
        assertThat(kernel.get("largest_difference").asDouble())
            .isLessThanOrEqualTo(kernel.get("tolerance").asDouble());
        assertThat(kernel.get("seconds").asDouble()).isPositive();
      }
    }
    assertThat(devices.get(devices.size() - 1).get("name").asText()).isEqualTo("java");
  }

  @Test
  void sparkIsToldTheNumbersOfTheGpusAndOfNothingElse() throws IOException {
    DeviceInfo cpu = new DeviceInfo("a", DeviceInfo.Kind.OPENCL_CPU, "v", 1, 1, "1");
    DeviceInfo gpu = new DeviceInfo("b", DeviceInfo.Kind.GPU, "v", 1, 1, "1");
    assertThat(DevicesCommand.gpus(List.of(gpu, cpu, gpu)).addresses()).containsExactly("0", "1");

    Ended ended = execute("devices", "--spark");
    assertThat(ended.code()).isZero();
    JsonNode resource = new ObjectMapper().readTree(ended.out());
    assertThat(resource.get("name").asText()).isEqualTo("gpu");
    assertThat(resource.get("addresses"))
        .hasSize(
            (int)
                Devices.list().stream().filter(info -> info.kind() == DeviceInfo.Kind.GPU).count());
  }

  @Test
  void aGpuThatIsNotHereEndsEveryCommandWithOneClearLine() throws IOException {
    assumeTrue(
        Devices.list().stream().noneMatch(info -> info.kind() == DeviceInfo.Kind.GPU),
        "a GPU is here");
    String night = folder.resolve("night").toString();
    execute(
        "simulate",
        "--out",
        night,
        "--images",
        "1",
        "--stars",
        "5",
        "--size",
        "64x64",
        "--bias",
        "3",
        "--flats",
        "3");
    refuses(execute("run", "--input", night, "--output", folder + "/run", "--device", "gpu"));
    assertThat(Files.exists(folder.resolve("run").resolve("sources"))).isFalse();
    refuses(
        execute(
            "reduce",
            night + "/sci_000001_g.fits",
            "--bias",
            night + "/bias_*.fits",
            "--flat",
            night + "/flat_*.fits",
            "--out",
            folder + "/frame",
            "--device",
            "gpu"));
    refuses(
        execute(
            "bench",
            "accuracy",
            "--size",
            "64x64",
            "--stars",
            "5",
            "--seeds",
            "1",
            "--device",
            "gpu"));
  }

  private static void refuses(Ended ended) {
    assertThat(ended.code()).as(ended.errors()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
    assertThat(ended.errors().strip())
        .hasLineCount(1)
        .startsWith("starmill: device gpu: no GPU that OpenCL can use; found: ")
        .contains("--device java");
  }
}

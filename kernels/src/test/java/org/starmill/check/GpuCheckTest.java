package org.starmill.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.starmill.device.Devices;
import org.starmill.device.SelfCheck;

class GpuCheckTest {
  private record Ended(int code, String out, String errors) {}

  private record Sample(String deviceName, double value, Double none, List<Integer> sizes) {}

  private static Ended run(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int code =
        GpuCheck.run(
            arguments,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(errors, true, StandardCharsets.UTF_8));
    return new Ended(
        code, out.toString(StandardCharsets.UTF_8), errors.toString(StandardCharsets.UTF_8));
  }

  @Test
  void everyDeviceIsCheckedAndTimesAnImage() {
    String options = "--stars 250 --size 320x300 --repeat 1 --items 65";
    Ended ended = run(options.split(" "));
    assertThat(ended.code()).as(ended.out()).isEqualTo(GpuCheck.PASSED);
    int devices = Devices.list().size();
    int kernels = SelfCheck.ofAllKernels().checks().size();
    assertThat(ended.out().split("\"kernel\": ")).hasSize(1 + devices * kernels);
    assertThat(ended.out().split("\"seconds_of_steps\": ")).hasSize(1 + devices);
    assertThat(ended.out()).doesNotContain("\"passed\": false", "\"stars_found\": 0");
    assertThat(ended.out()).contains("\"calibrate\": 0.", "\"measure\": 0.");
    assertThat(ended.errors()).contains("gpu-check: java \"java\"");
  }

  @Test
  void aWrongOptionIsNamedInOneLine() {
    for (String wrong : List.of("--star 5", "--size 3", "--repeat 0", "--stars -1", "--stars")) {
      Ended ended = run(wrong.split(" "));
      assertThat(ended.code()).isEqualTo(GpuCheck.WRONG_USAGE);
      assertThat(ended.errors().strip()).hasLineCount(1).startsWith("gpu-check: ");
      assertThat(ended.out()).isEmpty();
    }
    assertThat(run("--help").out()).startsWith("Usage: gpu-check");
  }

  @Test
  void whatIsNoNumberIsNullAndTextIsQuoted() {
    Map<String, Double> steps = new LinkedHashMap<>();
    steps.put("sky", 0.5);
    assertThat(JsonText.of(new Sample("a \"card\"\n", Double.NaN, null, Arrays.asList(1, 2))))
        .isEqualTo(
            """
            {
              "device_name": "a \\"card\\"\\u000a",
              "value": null,
              "none": null,
              "sizes": [
                1,
                2
              ]
            }""");
    assertThat(JsonText.of(steps)).isEqualTo("{\"sky\": 0.500000}");
  }
}

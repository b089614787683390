package org.starmill.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.device.ItemKernel;

class TraceTest {
  private static final Track CORE = new Track("executor", "core 0");

  private static final class Doubling extends ItemKernel {
    private final float[] values = new float[8];

    @Override
    public void item(int item) {
      values[item] = values[item] * 2f;
    }
  }

  @Test
  void withoutARecordingNothingIsKept() {
    try (Trace.Open step = Trace.step("sky")) {
      assertThat(Trace.isOn()).isFalse();
    }
    try (Recording recording = Recording.begin()) {
      assertThat(recording.take()).isEmpty();
    }
  }

  @Test
  void aStepHoldsTheRunsOfItsKernels() {
    List<Span> spans;
    try (Recording recording = Recording.begin();
        Device device = Devices.scalarJava(2)) {
      try (Trace.Open step = Trace.step("sky")) {
        device.run(new Doubling(), 8);
      }
      spans = recording.take();
    }
    assertThat(spans).extracting(Span::name).containsExactly("Doubling", "sky");
    assertThat(spans.get(0).count()).isEqualTo(8);
    assertThat(spans.get(0).start()).isBetween(spans.get(1).start(), spans.get(1).end());
    assertThat(spans.get(0).end()).isLessThanOrEqualTo(spans.get(1).end());
  }

  @Test
  void runsOfAKernelThatFollowAtOnceAreOneSpan() {
    try (Recording recording = Recording.begin()) {
      recording.add("kernel", "CombineKernel", null, 0, 1_000, 5);
      recording.add("kernel", "CombineKernel", null, 3_000, 4_000, 5);
      recording.add("kernel", "CombineKernel", null, 900_000, 901_000, 5);
      recording.add("kernel", "BoxKernel", null, 902_000, 903_000, 5);

      assertThat(recording.take())
          .extracting(Span::nanos, Span::count)
          .containsExactly(tuple(4_000L, 10L), tuple(1_000L, 5L), tuple(1_000L, 5L));
    }
  }

  @Test
  void ofTooManyKernelsTheStepsRemain() {
    try (Recording recording = Recording.begin()) {
      for (int i = 0; i < Recording.MOST + 10; i++) {
        recording.add("kernel", "kernel " + i, null, i, i + 1, 1);
      }
      recording.add("step", "sky", null, 0, Recording.MOST, 0);

      assertThat(recording.dropped()).isEqualTo(10);
      assertThat(recording.take()).last().extracting(Span::name).isEqualTo("sky");
    }
  }

  @Test
  void theFileIsWholeAfterEveryPart(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("trace.json");
    try (TraceFile file = new TraceFile(path)) {
      assertThat(Files.readString(path)).endsWith("]}\n");
      file.add(CORE, List.of(new Span("step", "a \"b\"\\", null, 1_000, 2_000, 0)), 0);
      assertThat(Files.readString(path)).contains("\"a \\\"b\\\"\\\\\"").endsWith("]}\n");
      file.add(CORE, List.of(new Span("kernel", "Box", "Tesla", 1_000, 2_000, 7)), 3);
      assertThat(Files.readString(path)).endsWith("]}\n");
    }
    assertThat(Files.readString(path))
        .contains("{\"name\":\"Tesla\"}", "\"items\":7", "\"dur\":2.000", "3 spans were too many")
        .containsOnlyOnce("\"traceEvents\"")
        .containsOnlyOnce("{\"name\":\"core 0\"}");
    assertThat(Files.readAllLines(path).stream().filter(line -> line.contains("\"Box\"")))
        .as("once on the core that waited, once on the device")
        .hasSize(2);
  }
}

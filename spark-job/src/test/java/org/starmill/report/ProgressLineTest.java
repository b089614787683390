package org.starmill.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final AtomicLong now = new AtomicLong(-5_000_000_000L);

  private ProgressLine line(long total, boolean terminal) {
    PrintStream stream = new PrintStream(written, true, StandardCharsets.UTF_8);
    return new ProgressLine(total, stream, terminal, now::get);
  }

  private void pass(double seconds) {
    now.addAndGet((long) (seconds * 1e9));
  }

  private List<String> lines() {
    return written.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void aLogFileGetsALineEveryTenSeconds() {
    try (ProgressLine progress = line(1200, false)) {
      for (int i = 1; i <= 30; i++) {
        pass(1);
        progress.update(i, 0);
      }
    }
    assertThat(lines())
        .containsExactly(
            "0 of 1,200 images, 0 %, 0 failed",
            "10 of 1,200 images, 0 %, 60 a minute, 19 min 50 s left, 0 failed",
            "20 of 1,200 images, 1 %, 60 a minute, 19 min 40 s left, 0 failed",
            "30 of 1,200 images, 2 %, 60 a minute, 19 min 30 s left, 0 failed",
            "30 of 1,200 images, 2 %, 60 a minute, took 30 s, 0 failed");
  }

  @Test
  void aTerminalHasOneLineThatIsWrittenOver() {
    try (ProgressLine progress = line(4, true)) {
      pass(30);
      progress.update(1, 1);
      pass(90);
      progress.update(4, 1);
    }
    String all = written.toString(StandardCharsets.UTF_8);
    assertThat(all).endsWith(System.lineSeparator());
    assertThat(lines()).hasSizeLessThanOrEqualTo(5);
    String[] states = all.strip().split("\r");
    assertThat(states[1])
        .startsWith("1 of 4 images, 25 %, 2.0 a minute, 1 min 30 s left, 1 failed");
    assertThat(states[states.length - 1])
        .startsWith("4 of 4 images, 100 %, 2.0 a minute, took 2 min, 1 failed");
    // What a longer line left behind is wiped out.
    for (int i = 1; i < states.length; i++) {
      assertThat(states[i].length()).isGreaterThanOrEqualTo(states[i - 1].strip().length());
    }
  }

  @Test
  void aTerminalIsNotWrittenToMoreThanFiveTimesASecond() {
    ProgressLine progress = line(1000, true);
    for (int i = 1; i <= 1000; i++) {
      pass(0.001);
      progress.update(i, 0);
    }
    assertThat(written.toString(StandardCharsets.UTF_8).split("\r")).hasSizeBetween(5, 8);
  }

  @Test
  void theTimeLeftFollowsACampaignThatBecomesFaster() {
    ProgressLine progress = line(100_000, false);
    long done = 0;
    for (int minute = 0; minute < 60; minute++) {
      pass(60);
      progress.update(done += 10, 0);
    }
    for (int minute = 0; minute < 10; minute++) {
      pass(60);
      progress.update(done += 1000, 0);
    }
    List<String> all = lines();
    assertThat(all.get(all.size() - 1)).contains("1,000 a minute", "1 h 29 min left");
  }

  @Test
  void aLateReportOfAnEarlierStateDoesNotTurnTheCountBack() {
    ProgressLine progress = line(10, false);
    pass(11);
    progress.update(5, 1);
    pass(11);
    progress.update(3, 0);
    progress.close();
    assertThat(lines().get(lines().size() - 1)).startsWith("5 of 10 images").endsWith("1 failed");
  }

  @Test
  void nothingIsWrittenAfterTheEnd() {
    ProgressLine progress = line(10, false);
    progress.close();
    int size = written.size();
    pass(100);
    progress.update(7, 0);
    progress.close();
    assertThat(written.size()).isEqualTo(size);
  }

  @Test
  void aRunWithoutImagesEndsWell() {
    line(0, false).close();
    assertThat(lines())
        .containsExactly("0 of 0 images, 0 failed", "0 of 0 images, took 0.0 s, 0 failed");
  }

  @Test
  void durationsAreSaidInTwoUnits() {
    assertThat(Durations.text(0.04)).isEqualTo("0.0 s");
    assertThat(Durations.text(9.96)).isEqualTo("10 s");
    assertThat(Durations.text(59.7)).isEqualTo("1 min");
    assertThat(Durations.text(725)).isEqualTo("12 min 5 s");
    assertThat(Durations.text(3 * 3600 + 20 * 60 + 4)).isEqualTo("3 h 20 min");
    assertThat(Durations.text(2 * 86_400 + 4 * 3600)).isEqualTo("2 d 4 h");
    assertThat(Durations.text(Double.NaN)).isEqualTo("very long");
    assertThat(Durations.text(Double.POSITIVE_INFINITY)).isEqualTo("very long");
  }
}

package org.starmill.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
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
  void noTimeIsLeftWhereItIsLessThanASecond() {
    ProgressLine progress = line(4, false);
    pass(30);
    progress.update(3, 0);
    progress.expects(1);
    progress.begins(4, 1);
    pass(10);
    progress.update(3, 0);
    pass(10);
    progress.expects(2.9);
    progress.begins(3, 2.9);
    progress.update(3, 0);
    assertThat(lines().get(1)).isEqualTo("3 of 4 images, 75 %, 6.0 a minute, 10 s left, 0 failed");
    assertThat(lines().get(lines().size() - 1))
        .startsWith("3 of 4 images, 75 %")
        .doesNotContain("left");
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

  /**
   * A campaign on four cores, whose second half has ten times the stars. What is expected of a
   * field is wrong by a quarter, one standard deviation, and images of one field differ as well.
   *
   * @return the largest error of the time left after the first tenth, as a share of it
   */
  private double worstTimeLeft(long seed, boolean expected) {
    int fields = 200;
    int imagesOfAField = 100;
    int batch = 64;
    Random random = new Random(seed);
    int images = fields * imagesOfAField;
    double[] work = new double[images];
    double[] seconds = new double[images];
    for (int field = 0; field < fields; field++) {
      double stars = (field < fields / 2 ? 1 : 10) * (0.5 + random.nextDouble());
      double unforeseen = Math.exp(0.25 * random.nextGaussian());
      for (int i = 0; i < imagesOfAField; i++) {
        int image = field * imagesOfAField + i;
        work[image] = 9.5 + 2 * stars;
        seconds[image] = 0.1 * work[image] * unforeseen * Math.exp(0.2 * random.nextGaussian());
      }
    }
    // When each ends: four cores, and a barrier at the end of each batch.
    double[] ends = new double[images];
    double[] free = new double[4];
    for (int image = 0; image < images; image++) {
      if (image % batch == 0) {
        Arrays.fill(free, Arrays.stream(free).max().getAsDouble());
      }
      Arrays.sort(free);
      free[0] += seconds[image];
      ends[image] = free[0];
    }
    double end = Arrays.stream(free).max().getAsDouble();

    now.set(0);
    ProgressLine progress = line(images, false);
    if (expected) {
      progress.expects(Arrays.stream(work).sum());
    }
    double worst = 0;
    for (int first = 0; first < images; first += batch) {
      int past = Math.min(images, first + batch);
      if (expected) {
        progress.begins(past - first, Arrays.stream(work, first, past).sum());
      }
      List<Integer> inOrder =
          IntStream.range(first, past)
              .boxed()
              .sorted(Comparator.comparingDouble(image -> ends[image]))
              .toList();
      for (int i = 0; i < inOrder.size(); i++) {
        int image = inOrder.get(i);
        now.set((long) (ends[image] * 1e9));
        progress.measured(expected ? work[image] : 1, seconds[image]);
        progress.update(first + i + 1, 0);
        double left = end - ends[image];
        if (ends[image] > 0.1 * end && ends[image] < 0.9 * end) {
          worst = Math.max(worst, Math.abs(progress.secondsLeft() / left - 1));
        }
      }
    }
    return worst;
  }

  @Test
  void theTimeLeftIsRightWithinAFifthAfterTheFirstTenthThoughImagesDiffer() {
    for (long seed = 1; seed <= 5; seed++) {
      assertThat(worstTimeLeft(seed, true)).as("seed %d", seed).isLessThan(0.2);
    }
    // Images counted alike would tell half the time.
    assertThat(worstTimeLeft(1, false)).isGreaterThan(0.3);
  }

  @Test
  void theTimeLeftFollowsACampaignThatGetsMoreCoresThoughImagesTakeAsLongAsBefore() {
    ProgressLine progress = line(10_000, false);
    progress.expects(10_000 * 5.0);
    progress.begins(10_000, 10_000 * 5.0);
    long done = 0;
    for (int second = 0; second < 600; second++) {
      pass(1);
      progress.measured(5, 2);
      progress.update(++done, 0);
    }
    assertThat(progress.secondsLeft()).isBetween(9300.0, 9500.0);
    for (int second = 0; second < 240; second++) {
      pass(1);
      for (int core = 0; core < 10; core++) {
        progress.measured(5, 2);
        progress.update(++done, 0);
      }
    }
    assertThat(progress.secondsLeft()).isBetween(690.0, 710.0);
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

package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.starmill.fits.FitsImage;
import org.starmill.image.ImageRejected;
import org.starmill.instrument.ImageType;

@Timeout(30)
class ReadAheadTest {
  private static final FitsImage IMAGE = new FitsImage(new float[1], 1, 1, null);

  private final List<PlannedFrame> frames = LongStream.range(0, 4).mapToObj(this::frame).toList();
  private final List<Long> read = Collections.synchronizedList(new ArrayList<>());
  private final List<Thread> readers = Collections.synchronizedList(new ArrayList<>());

  private PlannedFrame frame(long id) {
    return new PlannedFrame(
        id,
        "file:/n/" + id + ".fits",
        0,
        2880,
        ImageType.SCIENCE,
        "2024-05-12",
        "1",
        "1",
        "r",
        1,
        1,
        null,
        null,
        null,
        null,
        null,
        null,
        null);
  }

  private FitsImage read(PlannedFrame frame) {
    readers.add(Thread.currentThread());
    read.add(frame.exposureId());
    return IMAGE;
  }

  private ReadAhead readAhead(boolean on) {
    return new ReadAhead(frames, this::read, on, UnaryOperator.identity());
  }

  private static void until(java.util.function.BooleanSupplier condition)
      throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(1);
    }
  }

  @AfterEach
  void noThreadIsLeftBehind() {
    assertThat(readers)
        .filteredOn(thread -> thread != Thread.currentThread())
        .noneMatch(Thread::isAlive);
  }

  @Test
  void theNextFrameIsReadWhileThisOneIsInWorkAndNoneBeyondIt() throws InterruptedException {
    try (ReadAhead ahead = readAhead(true)) {
      ahead.take(frames.get(0));
      until(() -> read.contains(1L));
      Thread.sleep(50);
      assertThat(read).containsExactly(0L, 1L);
      ahead.take(frames.get(1));
      until(() -> read.contains(2L));
      ahead.take(frames.get(2));
      ahead.take(frames.get(3));
    }
    assertThat(read).containsExactly(0L, 1L, 2L, 3L);
    assertThat(readers.get(0)).isSameAs(Thread.currentThread());
    assertThat(readers.subList(1, 4)).containsOnly(readers.get(1)).isNotEqualTo(readers.get(0));
  }

  @Test
  void withoutReadingAheadEachFrameIsReadWhereItIsTaken() {
    try (ReadAhead ahead = readAhead(false)) {
      frames.forEach(ahead::take);
    }
    assertThat(read).containsExactly(0L, 1L, 2L, 3L);
    assertThat(readers).containsOnly(Thread.currentThread());
  }

  @Test
  void whatIsWrongWithAFrameIsThrownWhereThatFrameIsTakenAndTheOneAfterItIsReadAhead()
      throws InterruptedException {
    ImageRejected cutOff = new ImageRejected("truncated", "the file ends inside the data");
    try (ReadAhead ahead =
        new ReadAhead(
            frames,
            frame -> {
              FitsImage image = read(frame);
              if (frame.exposureId() == 1) {
                throw cutOff;
              }
              return image;
            },
            true,
            UnaryOperator.identity())) {
      ahead.take(frames.get(0));
      assertThatThrownBy(() -> ahead.take(frames.get(1))).isSameAs(cutOff);
      until(() -> read.contains(2L));
      assertThat(ahead.take(frames.get(2)).image()).isSameAs(IMAGE);
    }
  }

  @Test
  void aFullHeapEndsTheReadingAheadAndTheFrameIsReadAgainWhereItIsTaken() {
    boolean[] full = {true};
    try (ReadAhead ahead =
        new ReadAhead(
            frames,
            frame -> {
              read(frame);
              if (frame.exposureId() == 1 && full[0]) {
                throw new OutOfMemoryError("Java heap space");
              }
              return IMAGE;
            },
            true,
            UnaryOperator.identity())) {
      ahead.take(frames.get(0));
      assertThatThrownBy(() -> ahead.take(frames.get(1))).isInstanceOf(OutOfMemoryError.class);
      noThreadIsLeftBehind();
      full[0] = false;
      frames.subList(1, 4).forEach(ahead::take);
    }
    assertThat(read).containsExactly(0L, 1L, 1L, 2L, 3L);
    assertThat(readers.subList(2, 5)).containsOnly(Thread.currentThread());
  }

  @Test
  void aTaskThatIsToldToStopStopsWaitingAndItsReadingToo() throws InterruptedException {
    CountDownLatch told = new CountDownLatch(1);
    Thread task = Thread.currentThread();
    try (ReadAhead ahead =
        new ReadAhead(
            frames,
            frame -> {
              read(frame);
              if (frame.exposureId() == 1) {
                try {
                  task.interrupt();
                  TimeUnit.HOURS.sleep(1);
                } catch (InterruptedException stopped) {
                  told.countDown();
                }
              }
              return IMAGE;
            },
            true,
            UnaryOperator.identity())) {
      ahead.take(frames.get(0));
      assertThatThrownBy(() -> ahead.take(frames.get(1))).isInstanceOf(UncheckedIOException.class);
      assertThat(Thread.interrupted()).as("the task is still told").isTrue();
      assertThat(told.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(read).containsExactly(0L, 1L);
    }
  }

  @Test
  void theSecondsOfReadingCountWhetherSomebodyWaitedOrNot() throws InterruptedException {
    try (ReadAhead ahead =
        new ReadAhead(
            frames,
            frame -> {
              try {
                Thread.sleep(30);
              } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
              }
              return read(frame);
            },
            true,
            UnaryOperator.identity())) {
      ahead.take(frames.get(0));
      until(() -> read.contains(1L));
      Thread.sleep(30);
      long start = System.nanoTime();
      double seconds = ahead.take(frames.get(1)).seconds();
      assertThat(seconds).isBetween(0.03, 5.0).isGreaterThan((System.nanoTime() - start) * 1e-9);
    }
  }
}

package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.starmill.image.ImageRejected;

@Timeout(30)
class TimeLimitTest {
  private static final long SHORT = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long LONG = TimeUnit.SECONDS.toNanos(20);

  private final List<Thread> workers = Collections.synchronizedList(new ArrayList<>());

  private TimeLimit limit(long nanos) {
    return new TimeLimit(nanos, 50, UnaryOperator.identity());
  }

  private Thread here() {
    workers.add(Thread.currentThread());
    return Thread.currentThread();
  }

  private String sleepsLong() {
    here();
    try {
      TimeUnit.HOURS.sleep(1);
      return "slept";
    } catch (InterruptedException stopped) {
      throw new IllegalStateException("told to stop");
    }
  }

  @AfterEach
  void noThreadIsLeftBehind() throws InterruptedException {
    for (Thread worker : workers) {
      if (worker != Thread.currentThread()) {
        worker.join(10_000);
        assertThat(worker.isAlive()).isFalse();
      }
    }
  }

  @Test
  void workInTimeGivesItsResultAndAllWorkHasOneThread() {
    try (TimeLimit limit = limit(LONG)) {
      Thread first = limit.within(this::here);
      assertThat(limit.within(this::here)).isSameAs(first).isNotSameAs(Thread.currentThread());
    }
  }

  @Test
  void withoutALimitTheWorkIsDoneInTheCallingThread() {
    try (TimeLimit limit = limit(0)) {
      assertThat(limit.within(this::here)).isSameAs(Thread.currentThread());
    }
  }

  @Test
  void whatGoesWrongIsThrownAsItIs() {
    ImageRejected rejected = new ImageRejected("no stars", "found none");
    OutOfMemoryError full = new OutOfMemoryError("Java heap space");
    try (TimeLimit limit = limit(LONG)) {
      assertThatThrownBy(
              () ->
                  limit.within(
                      () -> {
                        throw rejected;
                      }))
          .isSameAs(rejected);
      assertThatThrownBy(
              () ->
                  limit.within(
                      () -> {
                        throw full;
                      }))
          .isSameAs(full);
    }
  }

  @Test
  void workThatTakesTooLongIsToldToStopAndItSaysWhereItWas() {
    try (TimeLimit limit = limit(SHORT)) {
      TimeLimit.TimeUp late =
          catchThrowableOfType(TimeLimit.TimeUp.class, () -> limit.within(this::sleepsLong));
      assertThat(late.leftBehind()).isFalse();
      assertThat(late.where()).contains("TimeLimitTest.sleepsLong");
      assertThat(limit.within(() -> "next")).isEqualTo("next");
    }
  }

  @Test
  void workThatDoesNotHearIsLeftBehindAndTheNextHasAnotherThread() {
    CountDownLatch endOfTheWorld = new CountDownLatch(1);
    try (TimeLimit limit = limit(SHORT)) {
      TimeLimit.TimeUp late =
          catchThrowableOfType(
              TimeLimit.TimeUp.class,
              () ->
                  limit.within(
                      () -> {
                        here();
                        while (endOfTheWorld.getCount() > 0) {
                          Thread.onSpinWait();
                        }
                        return "late";
                      }));
      assertThat(late.leftBehind()).isTrue();
      assertThat(limit.within(this::here)).isNotSameAs(workers.get(0));
    } finally {
      endOfTheWorld.countDown();
    }
  }

  @Test
  void aTaskThatIsToldToStopTellsTheWork() {
    Thread task = Thread.currentThread();
    try (TimeLimit limit = limit(LONG)) {
      assertThatThrownBy(
              () ->
                  limit.within(
                      () -> {
                        task.interrupt();
                        return sleepsLong();
                      }))
          .hasMessage("told to stop");
      assertThat(Thread.interrupted()).as("the task is still told").isTrue();
    }
  }
}

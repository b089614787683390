package org.starmill.masters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.starmill.calibrate.Master;
import org.starmill.image.ImageRejected;

class MasterCacheTest {
  private static final int BYTES = 100 * (4 + 4 + 2);

  private final AtomicInteger readings = new AtomicInteger();
  private final Configuration hadoop = new Configuration(false);

  private Master read(String path, Configuration hadoop) {
    readings.incrementAndGet();
    if (path.equals("broken")) {
      throw new ImageRejected("unreadable", "broken: found nothing");
    }
    return new Master(
        new float[100], new float[100], new short[100], 10, 10, 1, List.of(), List.of());
  }

  @Test
  void aMasterIsReadOnceForManyImages() {
    MasterCache cache = new MasterCache(10 * BYTES, this::read);
    IntStream.range(0, 50).parallel().forEach(i -> cache.get("bias", hadoop));
    assertThat(readings).hasValue(1);
  }

  @Test
  void aBoundThatComesLaterHoldsAtOnce() {
    MasterCache cache = new MasterCache(3 * BYTES, this::read);
    for (String path : List.of("a", "b", "c")) {
      cache.get(path, hadoop);
    }
    assertThat(cache.size()).isEqualTo(3);
    cache.bound(BYTES);
    assertThat(cache.size()).isEqualTo(1);
    cache.get("c", hadoop);
    assertThat(readings).hasValue(3);
  }

  @Test
  void theMasterThatWasAskedForLongestAgoGoesFirst() {
    MasterCache cache = new MasterCache(2 * BYTES, this::read);
    cache.get("a", hadoop);
    cache.get("b", hadoop);
    cache.get("a", hadoop);
    cache.get("c", hadoop);
    assertThat(cache.size()).isEqualTo(2);
    cache.get("a", hadoop);
    assertThat(readings).hasValue(3);
    cache.get("b", hadoop);
    assertThat(readings).hasValue(4);
  }

  @Test
  void aMasterThatCannotBeReadIsTriedAgain() {
    MasterCache cache = new MasterCache(2 * BYTES, this::read);
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> cache.get("broken", hadoop)).isInstanceOf(ImageRejected.class);
    }
    assertThat(readings).hasValue(2);
    assertThat(cache.size()).isZero();
  }

  @Test
  void aTaskThatDiesWhileReadingDoesNotTakeThoseWithItThatWait() throws Exception {
    CountDownLatch firstReads = new CountDownLatch(1);
    CountDownLatch secondWaits = new CountDownLatch(1);
    MasterCache cache =
        new MasterCache(
            2 * BYTES,
            (path, configuration) -> {
              if (readings.get() == 0) {
                firstReads.countDown();
                await(secondWaits);
                readings.incrementAndGet();
                throw new OutOfMemoryError("of the first task");
              }
              return read(path, configuration);
            });
    CompletableFuture<Master> first =
        CompletableFuture.supplyAsync(() -> cache.get("bias", hadoop));
    await(firstReads);
    Thread second = new Thread(() -> cache.get("bias", hadoop));
    second.start();
    while (second.getState() != Thread.State.WAITING) {
      Thread.sleep(5);
    }
    secondWaits.countDown();
    assertThatThrownBy(first::join).hasRootCauseInstanceOf(OutOfMemoryError.class);
    second.join();
    assertThat(readings).hasValue(2);
    assertThat(cache.size()).isEqualTo(1);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}

package org.starmill.masters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
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
}

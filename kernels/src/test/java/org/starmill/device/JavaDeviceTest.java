package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JavaDeviceTest {
  /** Counts how often each item was done. */
  private static final class Tally extends ItemKernel {
    private final int[] times;

    Tally(int items) {
      times = new int[items];
    }

    @Override
    public void item(int item) {
      times[item]++;
    }
  }

  /** Fails at one item. */
  private static final class Failing extends ItemKernel {
    private final int at;
    private final AtomicInteger atWork = new AtomicInteger();

    Failing(int at) {
      this.at = at;
    }

    @Override
    public void item(int item) {
      atWork.incrementAndGet();
      try {
        if (item == at) {
          throw new ArithmeticException("item " + item);
        }
        Thread.onSpinWait();
      } finally {
        atWork.decrementAndGet();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,1009", "2,0", "2,1", "2,2", "2,65537", "7,3", "7,1009", "16,65537"})
  void everyItemIsDoneOnceWhateverTheNumberOfThreads(int threads, int items) {
    Tally tally = new Tally(items);
    try (Device device = Devices.java(threads)) {
      device.run(tally, items);
    }
    assertThat(tally.times).containsOnly(items == 0 ? new int[0] : new int[] {1});
  }

  @ParameterizedTest
  @CsvSource({"1,0", "1,500", "4,0", "4,999", "4,20000"})
  void aFailureInAnItemNamesTheKernelAndLeavesNoThreadAtWork(int threads, int at) {
    Failing kernel = new Failing(at);
    try (Device device = Devices.java(threads)) {
      assertThatThrownBy(() -> device.run(kernel, 50_000))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("kernel Failing")
          .hasMessageContaining("item " + at)
          .hasCauseInstanceOf(ArithmeticException.class);
      assertThat(kernel.atWork).hasValue(0);

      Tally tally = new Tally(1009);
      device.run(tally, 1009);
      assertThat(tally.times).containsOnly(1);
    }
  }

  @Test
  void aThousandRunsAddNoThreads() {
    try (Device device = Devices.java(3)) {
      Tally tally = new Tally(100);
      device.run(tally, 100);
      long before = threadsOfDevices();
      for (int i = 0; i < 999; i++) {
        device.run(tally, 100);
      }
      assertThat(tally.times).containsOnly(1000);
      assertThat(threadsOfDevices()).isLessThanOrEqualTo(Math.max(before, 2));
    }
  }

  @Test
  void aClosedDeviceRunsNothing() {
    Device device = Devices.java(2);
    device.close();
    assertThatThrownBy(() -> device.run(new Tally(10), 10))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("closed");
  }

  @Test
  @Timeout(60)
  void tasksThatShareADeviceDoNotDisturbEachOther() throws Exception {
    ExecutorService tasks = Executors.newFixedThreadPool(4);
    try (Device device = Devices.java(2)) {
      List<Future<int[]>> counted = new ArrayList<>();
      for (int task = 0; task < 4; task++) {
        counted.add(
            tasks.submit(
                () -> {
                  Tally tally = new Tally(1009);
                  for (int run = 0; run < 200; run++) {
                    device.run(tally, 1009);
                  }
                  return tally.times;
                }));
      }
      for (Future<int[]> times : counted) {
        assertThat(times.get()).containsOnly(200);
      }
    } finally {
      tasks.shutdownNow();
      tasks.awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void aDeviceNeedsAThread() {
    assertThatThrownBy(() -> Devices.java(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 threads");
  }

  private static long threadsOfDevices() {
    Thread[] all = new Thread[10_000];
    int count = Thread.enumerate(all);
    return Arrays.stream(all, 0, count)
        .filter(thread -> thread.getName().equals("starmill-java-device") && thread.isAlive())
        .count();
  }
}

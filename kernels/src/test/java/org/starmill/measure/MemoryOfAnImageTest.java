package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.starmill.calibrate.Calibration;
import org.starmill.calibrate.Masters;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.device.ItemKernel;
import org.starmill.image.RawFrame;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import org.starmill.sample.SimulatedCamera;

/** What an image in work needs of memory, and what a thousand leave behind. */
class MemoryOfAnImageTest {
  /** Bytes a pixel in work: image, variance of its empty sky, model of its stars 12; mask 2. */
  private static final double IN_WORK = 14;

  /** What is promised. */
  private static final double MOST = 16;

  /** Bits that cosmic rays take, columns' sums, lists of peaks; and what the heap rounds up. */
  private static final double SMALL = 2;

  /** Of these sizes planes of four and of two bytes a pixel just fit into whole mebibytes. */
  private static final int SMALL_SIDE = 720;

  private static final int LARGE_SIDE = 1440;
  private static final long ALLOWED_GROWTH = 2_000_000;

  /** Collects the garbage; the bytes that are left. */
  private static long live() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      System.gc();
      least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return least;
  }

  /** A device that looks at the heap before and after kernels. */
  private static final class Watching implements Device {
    private final Device device = Devices.java(1);
    private long most;

    private void look() {
      System.gc();
      long used = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
      most = Math.max(most, used);
    }

    @Override
    public void run(ItemKernel kernel, int items) {
      look();
      device.run(kernel, items);
      look();
    }

    @Override
    public String name() {
      return device.name();
    }

    @Override
    public boolean isOpenCl() {
      return device.isOpenCl();
    }

    @Override
    public boolean usesVectors() {
      return device.usesVectors();
    }

    @Override
    public void prepare(ItemKernel kernel) {
      device.prepare(kernel);
    }

    @Override
    public long helperCpuNanos() {
      return device.helperCpuNanos();
    }

    @Override
    public void close() {
      device.close();
    }
  }

  private static SimulatedCamera camera(int side, int stars) {
    return new SimulatedCamera(
        CameraSettings.ztfLike()
            .withSize(side, side)
            .withConstantPsf(PsfKind.MOFFAT, 2.2)
            .withStars(stars)
            .withSeed(5));
  }

  @Test
  void anImageInWorkNeedsFourteenBytesAPixelBeyondRawAndMasters() {
    assumeTrue(Devices.VECTORS, "this JVM has no module jdk.incubator.vector");
    // What does not grow with the image is in both.
    double grown = inWork(LARGE_SIDE) - inWork(SMALL_SIDE);
    double pixels = LARGE_SIDE * LARGE_SIDE - SMALL_SIDE * SMALL_SIDE;
    double bytes = grown / pixels;
    assertThat(bytes).isBetween(IN_WORK - SMALL, Math.min(IN_WORK + SMALL, MOST));
  }

  /** The most bytes that are in use, beyond raw frame and masters, while a kernel runs. */
  private static long inWork(int side) {
    SimulatedCamera camera = camera(side, 300);
    ReductionSettings settings = new Settings().psfOrder(0).psfResidualOrder(-1).made();
    try (Watching device = new Watching()) {
      Masters masters = SimulatedField.masters(camera, device.device, 3, 3);
      RawFrame frame = SimulatedField.raw(camera, camera.science(0).frame());
      // What is made of the masters once, for all images in work with them.
      Calibration other = new Calibration(device.device, settings.edge());
      other.calibrate(frame, masters);
      try (ImageReducer reducer = new ImageReducer(device, settings)) {
        long before = live();
        assertThat(reducer.measure(frame, masters).stars().count()).isGreaterThan(100);
        Reference.reachabilityFence(other);
        return device.most - before;
      }
    }
  }

  @Test
  @Tag("full")
  void twoThousandImagesLeaveNeitherMemoryNorThreadsBehind() {
    SimulatedCamera camera = camera(224, 60);
    try (Device device = Devices.java(2);
        ImageReducer reducer = new ImageReducer(device, ReductionSettings.DEFAULT)) {
      Masters masters = SimulatedField.masters(camera, device, 3, 3);
      RawFrame[] frames = new RawFrame[4];
      for (int i = 0; i < frames.length; i++) {
        frames[i] = SimulatedField.raw(camera, camera.science(i).frame());
      }
      long memory = 0;
      int threads = 0;
      for (int image = 0; image < 2000; image++) {
        assertThat(reducer.measure(frames[image % frames.length], masters).stars().count())
            .isGreaterThan(20);
        if (image == 49) {
          memory = live();
          threads = ManagementFactory.getThreadMXBean().getThreadCount();
        }
      }
      assertThat(live() - memory).isLessThan(ALLOWED_GROWTH);
      assertThat(ManagementFactory.getThreadMXBean().getThreadCount()).isLessThanOrEqualTo(threads);
    }
  }
}

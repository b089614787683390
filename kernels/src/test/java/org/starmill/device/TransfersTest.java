package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.starmill.calibrate.Calibration;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.MasterSettings;
import org.starmill.calibrate.Masters;
import org.starmill.image.Detector;
import org.starmill.image.Image;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

class TransfersTest {
  private static final int WIDTH = 61;
  private static final int HEIGHT = 47;

  /** Uses each kind of array. */
  private static final class MixedKernel extends ItemKernel {
    private float[] read = new float[64];
    @Scratch private float[] scratch = new float[64];
    private float[] handedOn = new float[64];
    @Output private float[] written = new float[64];
    private float[] partly = new float[64];
    private float[] neverUsed = new float[64];

    @Override
    public void item(int item) {
      scratch[item] = 2f * read[item];
      written[item] = scratch[item] + first(handedOn);
      if (item == 3) {
        partly[item] = 1f;
      }
    }

    private float first(float[] values) {
      return values[0];
    }
  }

  private static Transfers transfers(MixedKernel kernel) {
    return Transfers.of(kernel, KernelArrays.of(kernel));
  }

  private static boolean sends(MixedKernel kernel) {
    return transfers(kernel).toDevice().stream().anyMatch(array -> array == kernel.read);
  }

  @Test
  void scratchStaysOutputsComeAndWhatAHelperIsHandedGoesBothWays() {
    MixedKernel kernel = new MixedKernel();
    Transfers transfers = transfers(kernel);
    assertThat(transfers.toDevice())
        .usingElementComparator((a, b) -> a == b ? 0 : 1)
        .containsExactlyInAnyOrder(kernel.read, kernel.handedOn, kernel.partly);
    assertThat(transfers.fromDevice())
        .usingElementComparator((a, b) -> a == b ? 0 : 1)
        .containsExactlyInAnyOrder(kernel.handedOn, kernel.written, kernel.partly);
  }

  @Test
  void anArraySaidToBeUnchangedIsNotSentAgainUnlessItIsAnother() {
    MixedKernel kernel = new MixedKernel();
    kernel.unchanged(kernel.read);
    assertThat(sends(kernel)).isTrue();
    assertThat(sends(kernel)).isFalse();
    kernel.forgetUnchanged();
    assertThat(sends(kernel)).isTrue();
    kernel.read = new float[64];
    kernel.unchanged(kernel.read);
    assertThat(sends(kernel)).isTrue();
    assertThat(sends(kernel)).isFalse();
    Transfers.forget(kernel);
    assertThat(sends(kernel)).isTrue();
  }

  @Test
  void oneArrayInTwoFieldsIsRefused() {
    MixedKernel kernel = new MixedKernel();
    kernel.handedOn = kernel.read;
    assertThatThrownBy(() -> transfers(kernel))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("kernel MixedKernel has one array in two fields");
  }

  @Test
  void everyKernelGivesTheSameOnADeviceWithMemoryOfItsOwn() {
    try (Device device = new OwnMemoryDevice()) {
      for (KernelCheck<?> check : SelfCheck.ofAllKernels().checks()) {
        SelfCheck.Outcome outcome = SelfCheck.run(check, 61, 5, device);
        assertThat(outcome.failure()).as(check.name()).isNull();
      }
    }
  }

  @Test
  void aForgottenArrayOfAnyKernelShowsInItsCheck() {
    List<String> unseen = new ArrayList<>();
    int seen = 0;
    for (KernelCheck<?> check : SelfCheck.ofAllKernels().checks()) {
      for (String array : inputsThatChange(check)) {
        boolean shows = false;
        for (long seed = 5; seed < 45 && !shows; seed += 2) {
          try (Device device = new OwnMemoryDevice(array)) {
            shows = !SelfCheck.run(check, 61, seed, device).passed();
          }
        }
        seen += shows ? 1 : 0;
        if (!shows) {
          unseen.add(check.name() + "." + array);
        }
      }
    }
    assertThat(unseen).isEmpty();
    assertThat(seen).isGreaterThan(80);
  }

  /** Arrays that a kernel only reads, with other contents in one check than in the next. */
  private static <K extends ItemKernel> List<String> inputsThatChange(KernelCheck<K> check) {
    K one = check.input().of(61, new SplittableRandom(5), false);
    K other = check.input().of(61, new SplittableRandom(6), false);
    List<String> names = new ArrayList<>();
    for (KernelArrays.Used used : KernelArrays.of(one).used()) {
      Object first = KernelFields.valueOf(used.field(), one);
      Object second = KernelFields.valueOf(used.field(), other);
      if (!used.fetched() && !Arrays.deepEquals(new Object[] {first}, new Object[] {second})) {
        names.add(used.field().getName());
      }
    }
    return names;
  }

  @Test
  void mastersAreSentOnceAndOthersWhenTheyCome() {
    SplittableRandom random = new SplittableRandom(3);
    try (Device scalar = Devices.scalarJava(1);
        OwnMemoryDevice other = new OwnMemoryDevice()) {
      Masters[] masters = {masters(scalar, random), masters(scalar, random)};
      Calibration expected = new Calibration(scalar, 2);
      Calibration found = new Calibration(other, 2);
      long[] sent = new long[5];
      for (int i = 0; i < sent.length; i++) {
        RawFrame frame = frame(random, 300);
        long before = other.sentBytes();
        Image image = found.calibrate(frame, masters[i == 2 ? 1 : 0]);
        sent[i] = other.sentBytes() - before;
        Image reference = expected.calibrate(frame, masters[i == 2 ? 1 : 0]);
        assertThat(image.science()).isEqualTo(reference.science());
        assertThat(image.variance()).isEqualTo(reference.variance());
        assertThat(image.mask()).isEqualTo(reference.mask());
      }
      long masterBytes = 3 * 4L * WIDTH * HEIGHT + 2L * WIDTH * HEIGHT;
      assertThat(sent[0] - sent[1]).isEqualTo(masterBytes);
      assertThat(sent[2]).isEqualTo(sent[0]);
      assertThat(sent[3]).isEqualTo(sent[0]);
      assertThat(sent[4]).isEqualTo(sent[1]);
    }
  }

  private static Masters masters(Device device, SplittableRandom random) {
    MasterBuilder builder = new MasterBuilder(device, MasterSettings.DEFAULT);
    Master bias = builder.bias(List.of(frame(random, 0), frame(random, 0), frame(random, 0)));
    return new Masters(
        bias,
        builder.flat(List.of(frame(random, 9000), frame(random, 9000), frame(random, 9000)), bias));
  }

  private static RawFrame frame(SplittableRandom random, double light) {
    float[] adu = new float[(WIDTH + 8) * HEIGHT];
    for (int i = 0; i < adu.length; i++) {
      boolean lit = i % (WIDTH + 8) < WIDTH;
      adu[i] = (float) (1000 + (lit ? light : 0) + 5 * random.nextDouble(-1, 1));
    }
    return new RawFrame(
        adu,
        WIDTH + 8,
        HEIGHT,
        new Section(0, 0, WIDTH, HEIGHT),
        new Section(WIDTH, 0, 8, HEIGHT),
        new Detector(2, 5, 60_000, List.of()));
  }
}

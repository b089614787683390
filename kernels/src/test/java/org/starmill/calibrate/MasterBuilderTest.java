package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.starmill.device.Devices;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

class MasterBuilderTest {
  private static final int RAW_WIDTH = Camera.WIDTH + Camera.OVERSCAN;
  private static final int PIXELS = Camera.WIDTH * Camera.HEIGHT;
  private static final double NOISE_ADU =
      Math.sqrt(Math.pow(Camera.READ_NOISE / Camera.GAIN, 2) + 1 / 12.0);

  private final MasterBuilder builder = new MasterBuilder(Devices.java(2), MasterSettings.DEFAULT);

  @Test
  void aCosmicRayInOneFrameDoesNotReachTheMaster() {
    for (int count : new int[] {3, 5, 10, 20}) {
      List<RawFrame> clean = biases(new Camera(1), count);
      List<RawFrame> hit = biases(new Camera(1), count);
      int pixel = 100 * RAW_WIDTH + 77;
      int trimmed = 100 * Camera.WIDTH + 77;
      hit.get(1).pixels()[pixel] += 5000;
      Master expected = builder.bias(clean);
      Master found = builder.bias(hit);
      assertThat(found.used()[trimmed]).isEqualTo((short) (count - 1));
      assertThat(found.level()[trimmed])
          .isCloseTo(expected.level()[trimmed], within((float) (3 * NOISE_ADU / count)));
      assertThat(found.frames()).hasSize(count);
    }
  }

  @Test
  void theMasterBiasIsTheStructureWithinItsErrors() {
    Camera camera = new Camera(2);
    Master bias = builder.bias(biases(camera, 12));
    double chiSquared = 0;
    double error = 0;
    long used = 0;
    for (int i = 0; i < PIXELS; i++) {
      chiSquared += Math.pow((bias.level()[i] - camera.structure[i]) / bias.error()[i], 2) / PIXELS;
      error += bias.error()[i] / PIXELS;
      used += bias.used()[i];
    }
    // The mean of 15 / (4 + X), where X follows chi squared of 11 degrees of freedom, is 1.11.
    assertThat(chiSquared).isCloseTo(1.11, within(0.05));
    assertThat(error).isCloseTo(NOISE_ADU / Math.sqrt(12), within(0.02 * error));
    assertThat(used / (double) PIXELS).isBetween(11.9, 12.0);
  }

  @Test
  void theReadNoiseIsThatOfOneFrameToOnePercent() {
    for (int count : new int[] {3, 10, 20}) {
      Master bias = builder.bias(biases(new Camera(3), count));
      assertThat(bias.readNoise()).isCloseTo(NOISE_ADU, within(0.01 * NOISE_ADU));
    }
  }

  @Test
  void aBiasFrameWithLightInItIsLeftOutWithTheReason() {
    Camera camera = new Camera(4);
    List<RawFrame> frames = biases(camera, 6);
    frames.add(2, camera.flat(40));
    Master bias = builder.bias(frames);
    assertThat(bias.frames()).containsExactly(0, 1, 3, 4, 5, 6);
    assertThat(bias.rejected()).hasSize(1);
    assertThat(bias.rejected().get(0).frame()).isEqualTo(2);
    assertThat(bias.rejected().get(0).reason()).startsWith("level off: ");
  }

  @Test
  void framesOfAnotherSizeAreLeftOutEvenTheFirst() {
    List<RawFrame> frames = new ArrayList<>();
    frames.add(new Camera(5, 100, 90).bias());
    frames.addAll(biases(new Camera(6), 4));
    Master bias = builder.bias(frames);
    assertThat(bias.frames()).containsExactly(1, 2, 3, 4);
    assertThat(bias.width()).isEqualTo(Camera.WIDTH);
    assertThat(bias.rejected().get(0).reason())
        .isEqualTo("wrong size: 100 x 90 pixels, most frames have 211 x 307");
  }

  @Test
  void tooFewFramesAreRejectedWithTheirReasons() {
    Camera camera = new Camera(7);
    List<RawFrame> frames = biases(camera, 2);
    RawFrame empty = camera.bias();
    Arrays.fill(empty.pixels(), Float.NaN);
    frames.add(empty);
    assertThatThrownBy(() -> builder.bias(frames))
        .isInstanceOf(ImageRejected.class)
        .hasMessageContaining("2 of 3 could be used, expected at least 3; left out: frame 2 empty")
        .extracting(e -> ((ImageRejected) e).reason())
        .isEqualTo("too few bias frames");
    assertThatThrownBy(() -> builder.bias(List.of())).hasMessageContaining("0 of 0");
  }

  @Test
  void aPixelWithoutAnyValueIsMarkedAndFinite() {
    List<RawFrame> frames = biases(new Camera(8), 4);
    for (RawFrame frame : frames) {
      frame.pixels()[50 * RAW_WIDTH + 60] = Float.NaN;
    }
    frames.get(1).pixels()[50 * RAW_WIDTH + 61] = Float.NaN;
    Master bias = builder.bias(frames);
    assertThat(bias.used()[50 * Camera.WIDTH + 60]).isZero();
    assertThat(bias.level()[50 * Camera.WIDTH + 60]).isZero();
    assertThat(bias.used()[50 * Camera.WIDTH + 61]).isEqualTo((short) 3);
  }

  @Test
  void everyValueThatIsClippedIsCountedForItsFrame() {
    List<RawFrame> frames = biases(new Camera(16), 12);
    Master clean = builder.bias(frames);
    for (int k = 0; k < 40; k++) {
      frames.get(7).pixels()[(20 + 3 * k) * RAW_WIDTH + 5 * k] += 3000;
    }
    // What is not there is not clipped.
    frames.get(3).pixels()[10] = Float.NaN;
    Master hit = builder.bias(frames);
    long missing = 12L * PIXELS - 1;
    for (short used : hit.used()) {
      missing -= used;
    }
    assertThat(hit.shares()).hasSize(12);
    assertThat(hit.shares().stream().mapToLong(Master.FrameShare::clipped).sum())
        .isEqualTo(missing);
    assertThat(hit.shares().get(7).clipped() - clean.shares().get(7).clipped()).isBetween(36L, 40L);
    for (int k : new int[] {0, 1, 2, 3, 11}) {
      assertThat(hit.shares().get(k).clipped())
          .isCloseTo(clean.shares().get(k).clipped(), within(3L));
    }
  }

  @Test
  void aMasterIsSummedUpByItsLevelItsNoiseAndWhatWasClipped() {
    Camera camera = new Camera(17);
    Master bias = builder.bias(biases(camera, 10));
    MasterSummary summary = MasterSummary.of(bias);
    float[] sorted = bias.level().clone();
    Arrays.sort(sorted);
    assertThat(summary.level()).isCloseTo(sorted[PIXELS / 2], within(1e-3));
    assertThat(summary.noise())
        .isCloseTo(NOISE_ADU / Math.sqrt(10), within(0.03 * NOISE_ADU / Math.sqrt(10)));
    assertThat(summary.clipped())
        .isEqualTo(bias.shares().stream().mapToLong(Master.FrameShare::clipped).sum())
        .isPositive();
    assertThat(summary.empty()).isZero();
    Master flat = builder.flat(flats(camera, 5, 20_000), bias);
    assertThat(MasterSummary.of(flat).level()).isCloseTo(1, within(1e-3));
    double photons = 1 / Math.sqrt(5 * 22_000 * Camera.GAIN);
    assertThat(MasterSummary.of(flat).noise()).isCloseTo(photons, within(0.1 * photons));
    assertThat(flat.shares().get(4).level())
        .isCloseTo(20_000 * 1.2 * medianOf(camera.response), within(50.0));
  }

  @Test
  void noMoreFramesAreReadThanTheMostAllowed() {
    Camera camera = new Camera(9);
    MasterSettings few = new MasterSettings(3, 4, 3, 2, Overscan.DEFAULT);
    int[] read = {0};
    Iterable<RawFrame> endless =
        () ->
            java.util.stream.Stream.generate(
                    () -> {
                      read[0]++;
                      return camera.bias();
                    })
                .iterator();
    assertThat(new MasterBuilder(Devices.java(1), few).bias(endless).frames()).hasSize(4);
    assertThat(read[0]).isEqualTo(4);
  }

  @Test
  void theMasterFlatIsTheResponseWithMedianOne() {
    Camera camera = new Camera(10);
    Master bias = builder.bias(biases(camera, 10));
    Master flat = builder.flat(flats(camera, 8, 20_000), bias);
    double chiSquared = 0;
    double scale = medianOf(camera.response);
    for (int i = 0; i < PIXELS; i++) {
      double expected = camera.response[i] / scale;
      chiSquared += Math.pow((flat.level()[i] - expected) / flat.error()[i], 2) / PIXELS;
    }
    // The mean of 11 / (4 + X), where X follows chi squared of 7 degrees of freedom, is 1.12.
    assertThat(chiSquared).isCloseTo(1.12, within(0.05));
    float[] sorted = flat.level().clone();
    Arrays.sort(sorted);
    assertThat(sorted[(PIXELS - 1) / 2]).isEqualTo(1f);
    assertThat(flat.readNoise()).isNaN();
  }

  @Test
  void flatsThatDoNotFitAreLeftOutWithTheReason() {
    Camera camera = new Camera(11);
    Master bias = builder.bias(biases(camera, 5));
    List<RawFrame> frames = flats(camera, 4, 20_000);
    frames.add(camera.flat(5));
    frames.add(camera.flat(80_000));
    double[] shadow = new double[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
      shadow[i] = 1e5 * camera.response[i] * (i % Camera.WIDTH < 60 ? 0.6 : 1);
    }
    frames.add(camera.frame(shadow));
    frames.add(new Camera(12, 100, 90).flat(20_000));
    Master flat = builder.flat(frames, bias);
    assertThat(flat.frames()).containsExactly(0, 1, 2, 3);
    assertThat(flat.rejected())
        .extracting(rejection -> rejection.reason().replaceAll(":.*", ""))
        .containsExactly("too faint", "saturated", "other shape", "wrong size");
    assertThatThrownBy(() -> builder.flat(frames.subList(2, 8), bias))
        .hasMessageStartingWith("too few flat frames: 2 of 6");
  }

  @Test
  void theNumberOfThreadsDoesNotChangeAMaster() {
    Master two = builder.bias(biases(new Camera(13), 7));
    Master one =
        new MasterBuilder(Devices.java(1), MasterSettings.DEFAULT).bias(biases(new Camera(13), 7));
    assertThat(two.level()).isEqualTo(one.level());
    assertThat(two.error()).isEqualTo(one.error());
  }

  @Test
  void theOverscanIsCutOffWhereverItLies() {
    Camera camera = new Camera(14);
    List<RawFrame> mirrored = new ArrayList<>();
    for (RawFrame frame : biases(camera, 6)) {
      float[] pixels = new float[frame.pixels().length];
      for (int y = 0; y < frame.height(); y++) {
        for (int x = 0; x < RAW_WIDTH; x++) {
          pixels[y * RAW_WIDTH + RAW_WIDTH - 1 - x] = frame.pixels()[y * RAW_WIDTH + x];
        }
      }
      mirrored.add(
          new RawFrame(
              pixels,
              RAW_WIDTH,
              frame.height(),
              new Section(Camera.OVERSCAN, 0, Camera.WIDTH, Camera.HEIGHT),
              new Section(0, 0, Camera.OVERSCAN, Camera.HEIGHT),
              frame.detector()));
    }
    Master plain = builder.bias(biases(new Camera(14), 6));
    Master other = builder.bias(mirrored);
    assertThat(other.level()[Camera.WIDTH - 1 - 3]).isCloseTo(plain.level()[3], within(1e-3f));
  }

  @Test
  void aFrameIsLeftAsItIsAndOneOfManyAmplifiersIsNotKeptWhole() {
    Camera camera = new Camera(15);
    List<RawFrame> frames = biases(camera, 4);
    List<float[]> before = frames.stream().map(frame -> frame.pixels().clone()).toList();
    Master bias = builder.bias(frames);
    List<RawFrame> wide = new ArrayList<>();
    for (int k = 0; k < 4; k++) {
      RawFrame frame = frames.get(k);
      assertThat(frame.pixels()).isEqualTo(before.get(k));
      int width = 3 * RAW_WIDTH;
      float[] pixels = new float[width * frame.height()];
      for (int y = 0; y < frame.height(); y++) {
        System.arraycopy(frame.pixels(), y * RAW_WIDTH, pixels, y * width + RAW_WIDTH, RAW_WIDTH);
      }
      wide.add(
          new RawFrame(
              pixels,
              width,
              frame.height(),
              new Section(RAW_WIDTH, 0, Camera.WIDTH, Camera.HEIGHT),
              new Section(RAW_WIDTH + Camera.WIDTH, 0, Camera.OVERSCAN, Camera.HEIGHT),
              frame.detector()));
    }
    assertThat(TrimmedFrame.of(0, wide.get(0), Overscan.DEFAULT, null).pixels()).hasSize(PIXELS);
    assertThat(TrimmedFrame.of(0, frames.get(0), Overscan.DEFAULT, null).pixels())
        .isSameAs(frames.get(0).pixels());
    assertThat(builder.bias(wide).level()).isEqualTo(bias.level());
  }

  static List<RawFrame> biases(Camera camera, int count) {
    List<RawFrame> frames = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      frames.add(camera.bias());
    }
    return frames;
  }

  static List<RawFrame> flats(Camera camera, int count, double level) {
    List<RawFrame> frames = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      frames.add(camera.flat(level * (1 + 0.05 * i)));
    }
    return frames;
  }

  private static double medianOf(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}

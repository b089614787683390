package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.RawFrame;

class CombineVectorsTest {
  @BeforeAll
  static void vectors() {
    assumeTrue(Devices.VECTORS, "this JVM was started without jdk.incubator.vector");
  }

  @ParameterizedTest
  @CsvSource({"211,57,7", "64,33,20", "9,40,3", "1100,12,5", "16,16,24", "33,20,13"})
  void vectorsGiveEveryMasterThatTheScalarSourceGives(int width, int height, int count) {
    Camera camera = new Camera(width, width, height);
    SplittableRandom random = new SplittableRandom(count);
    List<RawFrame> biases = new ArrayList<>();
    List<RawFrame> flats = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      biases.add(spoiled(camera.bias(), width, random));
      double[] light = new double[width * height];
      Arrays.fill(light, 1e5 + 3000 * i);
      flats.add(spoiled(camera.frame(light), width, random));
    }
    // A pixel that no frame has, and some that are full in each.
    for (int i = 0; i < count; i++) {
      biases.get(i).pixels()[5] = Float.NaN;
      for (int y = 0; y < height; y++) {
        RawFrame flat = flats.get(i);
        flat.pixels()[y * flat.width() + 7] =
            y % 40 == 0 ? 65_535 : flat.pixels()[y * flat.width()];
      }
    }
    MasterSettings settings = new MasterSettings(2, 50, 3, 2, Overscan.DEFAULT);
    Master[][] masters = new Master[2][2];
    for (int k = 0; k < 2; k++) {
      try (Device device = k == 0 ? Devices.scalarJava(1) : Devices.java(2)) {
        MasterBuilder builder = new MasterBuilder(device, settings);
        masters[k][0] = builder.bias(biases);
        masters[k][1] = builder.flat(flats, masters[0][0]);
      }
    }
    for (int kind = 0; kind < 2; kind++) {
      assertThat(masters[1][kind].level()).isEqualTo(masters[0][kind].level());
      assertThat(masters[1][kind].error()).isEqualTo(masters[0][kind].error());
      assertThat(masters[1][kind].used()).isEqualTo(masters[0][kind].used());
      assertThat(masters[1][kind].frames()).hasSize(count);
    }
    assertThat(masters[1][0].used()[5]).isZero();
    assertThat(masters[1][1].used()[7]).isZero();
    assertThat(masters[1][0].used()).contains((short) (count - 1));
  }

  /** Every fiftieth pixel is hit by a cosmic ray or is no number; fewer are full. */
  private static RawFrame spoiled(RawFrame frame, int width, SplittableRandom random) {
    float[] odd = {Float.NaN, Float.POSITIVE_INFINITY, -3e29f, 65_535, 9000, 4000, 0, 1e20f};
    int height = frame.height();
    for (int k = 0; k < width * height / 50; k++) {
      int place = random.nextInt(height) * frame.width() + random.nextInt(width);
      frame.pixels()[place] = odd[random.nextInt(odd.length)];
    }
    return frame;
  }

  @Test
  void aNetworkSortsColumnsOfEveryLengthAStackMayHave() {
    SplittableRandom random = new SplittableRandom(1);
    for (int length = 1; length <= MasterSettings.MOST_FRAMES; length++) {
      float[] columns = new float[length * ColumnSort.LANES];
      for (int i = 0; i < columns.length; i++) {
        columns[i] = random.nextInt(2 * length) - length;
      }
      float[] sorted = columns.clone();
      new ColumnSort(length).sort(sorted);
      for (int lane = 0; lane < ColumnSort.LANES; lane++) {
        assertThat(column(sorted, lane)).isSortedAccordingTo(Float::compare);
        Float[] expected = column(columns, lane);
        Arrays.sort(expected);
        assertThat(column(sorted, lane)).isEqualTo(expected);
      }
    }
  }

  private static Float[] column(float[] columns, int lane) {
    Float[] column = new Float[columns.length / ColumnSort.LANES];
    for (int i = 0; i < column.length; i++) {
      column[i] = columns[i * ColumnSort.LANES + lane];
    }
    return column;
  }

  @Test
  void theMediansOfOverscanRowsAreThoseOfSortedRows() {
    SplittableRandom random = new SplittableRandom(2);
    for (int width : new int[] {1, 2, 7, 28, 45}) {
      int rows = 53;
      float[] values = new float[width * rows];
      for (int i = 0; i < values.length; i++) {
        values[i] = 1000 + random.nextInt(20);
      }
      float[] found = new float[rows];
      OverscanVectors.medians(values, width, rows, found);
      for (int y = 0; y < rows; y++) {
        float[] row = Arrays.copyOfRange(values, y * width, (y + 1) * width);
        Arrays.sort(row);
        assertThat(found[y]).isEqualTo(0.5f * (row[(width - 1) / 2] + row[width / 2]));
      }
    }
  }
}

package org.starmill.device;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class DeviceMemoryTest {
  private static final class CopyKernel extends ItemKernel {
    private final float[] from;
    private final float[] to;

    CopyKernel(int size) {
      from = new float[size];
      to = new float[size];
    }

    @Override
    public void item(int item) {
      to[item] = from[item];
    }
  }

  private static void claim(DeviceMemory memory, CopyKernel kernel) {
    memory.claim(kernel, KernelArrays.of(kernel));
  }

  @Test
  void whatAllKernelsHoldCountsWhereADeviceHasMemoryOfItsOwn() {
    DeviceMemory memory = new DeviceMemory("card", 10_000, 8_000, false);
    CopyKernel first = new CopyKernel(800);
    claim(memory, first);
    claim(memory, first);
    claim(memory, new CopyKernel(400));
    assertThatThrownBy(() -> claim(memory, new CopyKernel(200)))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("kernel CopyKernel needs 1600 bytes")
        .hasMessageContaining("beside 9600 bytes (0.0 MB) of other kernels");
  }

  @Test
  void whereItIsTheHostsOnlyOneKernelCounts() {
    DeviceMemory memory = new DeviceMemory("cpu", 10_000, 8_000, true);
    for (int i = 0; i < 5; i++) {
      claim(memory, new CopyKernel(1000));
    }
    assertThatThrownBy(() -> claim(memory, new CopyKernel(1500)))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("needs 12000 bytes");
  }

  @Test
  void anArrayLargerThanOnePieceIsNamed() {
    DeviceMemory memory = new DeviceMemory("cpu", 100_000, 8_000, true);
    assertThatThrownBy(() -> claim(memory, new CopyKernel(2001)))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("an array from of 8004 bytes")
        .hasMessageContaining("8000 bytes (0.0 MB) at most in one piece");
  }
}

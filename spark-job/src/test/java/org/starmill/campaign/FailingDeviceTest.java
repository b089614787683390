package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.device.DeviceException;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;

/** A device that is here but fails: it may take no more memory than a kernel wants. */
class FailingDeviceTest {
  @TempDir static Path folder;
  private static Path night;

  @BeforeAll
  static void simulate() {
    assumeTrue(
        Devices.list().stream().anyMatch(info -> info.kind() == DeviceInfo.Kind.OPENCL_CPU),
        "no OpenCL CPU device on this machine");
    night = folder.resolve("night");
    SmallNight.simulate(night, 1);
  }

  @Test
  void itStopsTheRunWithTheKernelsNameWhereNothingMayTakeOver() {
    Path output = folder.resolve("stopped");
    assertThatThrownBy(
            () -> SmallNight.run(night, output, "device.name=opencl-cpu", "device.max-memory=1"))
        .satisfies(
            failure -> {
              Throwable cause = failure;
              while (cause != null && !(cause instanceof DeviceException)) {
                cause = cause.getCause();
              }
              assertThat(cause == null ? failure : cause)
                  .hasMessageContaining("kernel CombineKernel needs")
                  .hasMessageContaining("device.max-memory");
            });
  }

  @Test
  void theJavaDeviceTakesOverWhereItMayAndTheRowSaysWhichAndWhy() {
    Path output = folder.resolve("taken over");
    SmallNight.run(
        night, output, "device.name=opencl-cpu", "device.max-memory=1", "device.fallback=java");
    Row row = SmallNight.exposures(output).select("status", "device", "notes").head();
    assertThat(row.getString(0)).isEqualTo("ok");
    assertThat(row.getString(1)).isEqualTo("java");
    assertThat(row.getString(2)).contains("device fallback", "needs", "device.max-memory");
  }
}

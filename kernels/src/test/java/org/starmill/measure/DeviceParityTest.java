package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.starmill.device.Device;
import org.starmill.device.DeviceInfo;
import org.starmill.device.Devices;
import org.starmill.sample.CameraSettings;

/** A star has the same flux whichever device measures it. */
class DeviceParityTest {
  @Test
  void aFieldReducedOnOpenClIsTheFieldReducedInJava() {
    DeviceInfo openCl =
        Devices.list().stream()
            .filter(info -> info.kind() != DeviceInfo.Kind.JAVA)
            .findFirst()
            .orElse(null);
    assumeTrue(openCl != null, "no OpenCL device on this machine");
    CameraSettings camera = CameraSettings.ztfLike().withSize(509, 523).withStars(500).withSeed(5);
    SimulatedField java;
    SimulatedField other;
    // The scalar source is what OpenCL runs; its twin with vectors is compared with it elsewhere.
    try (Device device = Devices.scalarJava(1)) {
      java = SimulatedField.reduce(camera, ReductionSettings.DEFAULT, device);
    }
    try (Device device = Devices.open(openCl, 1)) {
      other = SimulatedField.reduce(camera, ReductionSettings.DEFAULT, device);
      assertThat(other.reduction.device()).isEqualTo(device.name());
    }
    Stars expected = java.reduction.stars();
    Stars found = other.reduction.stars();
    assertThat(found.count()).isEqualTo(expected.count());
    for (int i = 0; i < expected.count(); i++) {
      double sigma = expected.fluxErr()[i];
      // A faint star's minimum is shallow: the last step may stop short of it on either device.
      double share = expected.flux()[i] > 10 * sigma ? 0.02 : 0.1;
      assertThat(found.x()[i])
          .isCloseTo(expected.x()[i], within(share * expected.xErr()[i] + 1e-5));
      assertThat(found.y()[i])
          .isCloseTo(expected.y()[i], within(share * expected.yErr()[i] + 1e-5));
      assertThat((double) found.flux()[i]).isCloseTo(expected.flux()[i], within(share * sigma));
      assertThat((double) found.fluxErr()[i]).isCloseTo(sigma, within(0.001 * sigma));
      assertThat(found.flags()[i]).isEqualTo(expected.flags()[i]);
    }
  }
}

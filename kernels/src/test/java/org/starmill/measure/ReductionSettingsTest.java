package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** A setting that makes no sense is refused before an image is touched. */
class ReductionSettingsTest {
  private static Entry<String, ThrowingCallable> refused(String message, ThrowingCallable made) {
    return Map.entry(message, made);
  }

  private static ThrowingCallable apertures(double inner, double outer, Double... radii) {
    return () -> new ApertureSettings(List.of(radii), inner, outer);
  }

  @Test
  void whatMakesNoSenseIsNamedWithWhatWould() {
    List.of(
            refused("sky box of 4: expected at least 8", new Settings().skyBox(4)::made),
            refused("sky filter of 2: expected an odd", new Settings().skyFilter(2)::made),
            refused("detection threshold of NaN", new Settings().threshold(Double.NaN)::made),
            refused("PSF model of null", new Settings().psfModel(null)::made),
            refused("PSF beta of 1.0: expected 1.1", new Settings().psfBeta(1)::made),
            refused("PSF order of 7: expected 0 to 6", new Settings().psfOrder(7)::made),
            refused(
                "order of the PSF's residual grid of 3: expected 0 to 2, or -1",
                new Settings().psfResidualOrder(3)::made),
            refused("fewest PSF stars of 0", new Settings().psfMinStars(0)::made),
            refused(
                "most PSF stars of 4: expected at least the fewest, 5",
                new Settings().psfMaxStars(4)::made),
            refused("stamp radius of 0.5: expected 1 to 50", new Settings().stampRadius(0.5)::made),
            refused("passes of 0: expected at least 1", new Settings().passes(0)::made),
            refused(
                "most neighbours solved together of 65: expected 0 to 64",
                new Settings().maxGroup(65)::made),
            refused("edge of -1: expected 0", new Settings().edge(-1)::made),
            refused("cosmic rays of null", new Settings().cosmicRays(null)::made),
            refused("apertures of null", new Settings().apertures(null)::made),
            refused(
                "threshold of cosmic rays of 0.5: expected 1",
                () -> new CosmicRaySettings(true, 0.5, 2)),
            refused(
                "contrast of cosmic rays of NaN: expected 1",
                () -> new CosmicRaySettings(true, 4.5, Double.NaN)),
            refused("aperture radius of 3.0: expected growing", apertures(10, 20, 3.0, 3.0)),
            refused("aperture radius of 0.25: expected growing", apertures(10, 20, 0.25)),
            refused("aperture radius of NaN: expected growing", apertures(10, 20, Double.NaN)),
            refused(
                "inner radius of the local sky of 10.0: expected at least the largest aperture's, 11.0",
                apertures(10, 20, 11.0)),
            refused(
                "outer radius of the local sky of 11.0: expected at least 2 more",
                apertures(10, 11, 5.0)))
        .forEach(
            refusal ->
                assertThatIllegalArgumentException()
                    .isThrownBy(refusal.getValue())
                    .withMessageStartingWith(refusal.getKey()));
  }

  @Test
  void aCampaignMayGoWithoutAperturesCosmicRaysAndTrails() {
    ReductionSettings plain =
        new Settings()
            .apertures(new ApertureSettings(List.of(), 0, 2))
            .withoutCosmicRays()
            .trails(false)
            .psfResidualOrder(-1)
            .maxGroup(0)
            .made();

    assertThat(plain.apertures().radii()).isEmpty();
    assertThat(plain.cosmicRays().find()).isFalse();
    assertThat(plain.trails()).isFalse();
  }
}

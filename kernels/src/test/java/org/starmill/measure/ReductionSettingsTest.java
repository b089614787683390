package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** A setting that makes no sense is refused before an image is touched. */
class ReductionSettingsTest {
  @Test
  void whatMakesNoSenseIsNamedWithWhatWould() {
    Map.of(
            "sky box of 4: expected at least 8", new Settings().skyBox(4),
            "sky filter of 2: expected an odd", new Settings().skyFilter(2),
            "detection threshold of NaN", new Settings().threshold(Double.NaN),
            "PSF model of null", new Settings().psfModel(null),
            "PSF beta of 1.0: expected 1.1", new Settings().psfBeta(1),
            "PSF order of 7: expected 0 to 6", new Settings().psfOrder(7),
            "fewest PSF stars of 0", new Settings().psfMinStars(0),
            "most PSF stars of 4: expected at least the fewest, 5", new Settings().psfMaxStars(4),
            "stamp radius of 0.5: expected 1 to 50", new Settings().stampRadius(0.5),
            "passes of 0: expected at least 1", new Settings().passes(0))
        .forEach(
            (message, settings) ->
                assertThatIllegalArgumentException()
                    .isThrownBy(settings::made)
                    .withMessageStartingWith(message));
  }
}

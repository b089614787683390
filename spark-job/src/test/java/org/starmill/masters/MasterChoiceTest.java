package org.starmill.masters;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.starmill.config.CampaignConfig;

class MasterChoiceTest {
  private static final Amplifier CHIP = new Amplifier("1", "1", 100, 80, true);

  private final List<CalibrationFrame> frames = new ArrayList<>();
  private int farthestNight = -1;

  private void take(int count, MasterKind kind, String night, String filter) {
    for (int i = 0; i < count; i++) {
      int id = frames.size();
      frames.add(
          new CalibrationFrame(
              id, "f" + id, 0, 10, kind, CHIP, night, filter, Double.NaN, Double.NaN));
    }
  }

  private MasterChoice choice() {
    return new MasterChoice(
        frames, new CampaignConfig.MasterSettings(3, 3, 4, 4.0, farthestNight, true));
  }

  @Test
  void theOwnNightComesFirstAndThenTheNearestOneWithEnoughFrames() {
    take(3, MasterKind.BIAS, "2024-05-10", null);
    take(2, MasterKind.BIAS, "2024-05-12", null);
    take(3, MasterKind.BIAS, "2024-05-13", null);
    assertThat(choice().bias(CHIP, "2024-05-13").orElseThrow().night()).isEqualTo("2024-05-13");
    assertThat(choice().bias(CHIP, "2024-05-12").orElseThrow().night()).isEqualTo("2024-05-13");
    assertThat(choice().bias(CHIP, "2024-04-01").orElseThrow().night()).isEqualTo("2024-05-10");
  }

  @Test
  void ofTwoNightsEquallyNearTheEarlierIsTaken() {
    take(3, MasterKind.BIAS, "2024-05-13", null);
    take(3, MasterKind.BIAS, "2024-05-11", null);
    assertThat(choice().bias(CHIP, "2024-05-12").orElseThrow().night()).isEqualTo("2024-05-11");
  }

  @Test
  void whereNoNightHasEnoughAllNightsAreTakenTogether() {
    take(2, MasterKind.BIAS, "2024-05-12", null);
    take(2, MasterKind.BIAS, "2024-05-11", null);
    MasterGroup group = choice().bias(CHIP, "2024-05-12").orElseThrow();
    assertThat(group.night()).isNull();
    assertThat(group.frames()).hasSize(4);
  }

  @Test
  void framesFurtherAwayThanAllowedAreNotTaken() {
    take(3, MasterKind.BIAS, "2024-05-10", null);
    take(2, MasterKind.BIAS, "2024-05-12", null);
    take(1, MasterKind.BIAS, "2024-05-17", null);
    farthestNight = 3;
    assertThat(choice().bias(CHIP, "2024-05-13").orElseThrow().night()).isEqualTo("2024-05-10");
    assertThat(choice().bias(CHIP, "2024-05-20")).isEmpty();
    // Two nights together have enough.
    farthestNight = 4;
    MasterGroup both = choice().bias(CHIP, "2024-05-15").orElseThrow();
    assertThat(both.frames()).extracting(CalibrationFrame::exposureId).containsExactly(3L, 4L, 5L);
    farthestNight = 0;
    assertThat(choice().bias(CHIP, "2024-05-10")).isPresent();
    assertThat(choice().bias(CHIP, "2024-05-12")).isEmpty();
  }

  @Test
  void aNightThatIsNoDateIsNearToItselfOnly() {
    take(3, MasterKind.BIAS, "unknown", null);
    assertThat(choice().bias(CHIP, "2024-05-13")).isPresent();
    farthestNight = 1000;
    assertThat(choice().bias(CHIP, "2024-05-13")).isEmpty();
    assertThat(choice().bias(CHIP, "unknown")).isPresent();
  }

  @Test
  void tooFewFramesOrAnotherChipGiveNoMaster() {
    take(2, MasterKind.BIAS, "2024-05-12", null);
    assertThat(choice().bias(CHIP, "2024-05-12")).isEmpty();
    take(2, MasterKind.BIAS, "2024-05-12", null);
    assertThat(choice().bias(new Amplifier("2", "1", 100, 80, true), "2024-05-12")).isEmpty();
  }

  @Test
  void framesWithAndWithoutOverscanAreNeverCombined() {
    take(3, MasterKind.BIAS, "2024-05-12", null);
    assertThat(choice().bias(CHIP, "2024-05-12")).isPresent();
    assertThat(choice().bias(CHIP.withOtherOverscan(), "2024-05-12")).isEmpty();
  }

  @Test
  void aFlatIsOfTheImagesFilterAndBringsItsBias() {
    take(3, MasterKind.BIAS, "2024-05-12", null);
    take(5, MasterKind.FLAT, "2024-05-12", "V");
    MasterGroup flat = choice().flat(CHIP, "V", "2024-05-12").orElseThrow();
    assertThat(flat.frames()).hasSize(4).allMatch(frame -> frame.filter().equals("V"));
    assertThat(flat.bias().frames()).hasSize(3);
    assertThat(choice().flat(CHIP, "B", "2024-05-12")).isEmpty();
  }

  @Test
  void aMasterIsNamedByItsFramesAndSettings() {
    take(3, MasterKind.BIAS, "2024-05-12", null);
    MasterGroup group = choice().bias(CHIP, "2024-05-12").orElseThrow();
    String name = group.identity("a");
    assertThat(choice().bias(CHIP, "2024-05-12").orElseThrow().identity("a")).isEqualTo(name);
    assertThat(group.identity("b")).isNotEqualTo(name);
    take(1, MasterKind.BIAS, "2024-05-12", null);
    assertThat(choice().bias(CHIP, "2024-05-12").orElseThrow().identity("a")).isNotEqualTo(name);
  }
}

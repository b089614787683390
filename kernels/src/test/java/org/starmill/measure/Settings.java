package org.starmill.measure;

import org.starmill.psf.PsfModel;

/** The default settings with one of them changed. */
final class Settings {
  private Settings() {}

  static ReductionSettings with(PsfModel model) {
    ReductionSettings d = ReductionSettings.DEFAULT;
    return new ReductionSettings(
        d.skyBox(),
        d.skyFilter(),
        d.skyMaxLevel(),
        d.threshold(),
        model,
        d.psfBeta(),
        d.psfOrder(),
        d.psfMinStars(),
        d.psfMaxStars(),
        d.stampRadius(),
        d.fitSky(),
        d.passes(),
        d.edge());
  }

  static ReductionSettings withFreeSky() {
    ReductionSettings d = ReductionSettings.DEFAULT;
    return new ReductionSettings(
        d.skyBox(),
        d.skyFilter(),
        d.skyMaxLevel(),
        d.threshold(),
        d.psfModel(),
        d.psfBeta(),
        d.psfOrder(),
        d.psfMinStars(),
        d.psfMaxStars(),
        d.stampRadius(),
        true,
        d.passes(),
        d.edge());
  }
}

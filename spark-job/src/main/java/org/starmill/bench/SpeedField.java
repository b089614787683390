package org.starmill.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.starmill.image.Detector;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedFrame;

/**
 * Simulated raw frames in memory: what a speed is measured on.
 *
 * @param biases as many as the table's master bias has
 * @param flats fewer: no step of the table depends on their number
 * @param science a frame of stars
 */
record SpeedField(List<RawFrame> biases, List<RawFrame> flats, RawFrame science) {
  static SpeedField of(CameraSettings settings, int biases, int flats, Consumer<String> progress) {
    SimulatedCamera camera = new SimulatedCamera(settings);
    progress.accept(
        "simulating %d bias, %d flat frames and one of %,d stars"
            .formatted(biases, flats, settings.stars().count()));
    return new SpeedField(
        frames(camera, biases, camera::bias),
        frames(camera, flats, camera::flat),
        raw(camera, camera.science(1).frame()));
  }

  /** Another frame of stars, of the same camera. */
  static RawFrame science(CameraSettings settings) {
    SimulatedCamera camera = new SimulatedCamera(settings);
    return raw(camera, camera.science(1).frame());
  }

  private static List<RawFrame> frames(
      SimulatedCamera camera, int count, IntFunction<SimulatedFrame> frame) {
    List<RawFrame> frames = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      frames.add(raw(camera, frame.apply(i)));
    }
    return frames;
  }

  static RawFrame raw(SimulatedCamera camera, SimulatedFrame frame) {
    CameraSettings.Chip chip = camera.settings().chip();
    return new RawFrame(
        frame.adu(),
        frame.columns(),
        frame.height(),
        new Section(0, 0, frame.width(), frame.height()),
        new Section(frame.width(), 0, frame.overscan(), frame.height()),
        new Detector(chip.gain(), chip.readNoise(), camera.settings().saturation(), List.of()));
  }
}

package org.starmill.masters;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.starmill.calibrate.Master;
import org.starmill.fits.FitsExtension;
import org.starmill.fits.FitsImage;
import org.starmill.fits.FitsWriter;
import org.starmill.fits.FrameReader;

/**
 * A master as a FITS file.
 *
 * <p>Three extensions of the trimmed image's size: LEVEL (ADU for a bias, relative response for a
 * flat), ERROR (one standard deviation) and USED (number of frames in each pixel). The primary
 * header says what it was made of.
 */
final class MasterFile {
  private MasterFile() {}

  static void write(
      String path,
      Master master,
      List<CalibrationFrame> used,
      Map<CalibrationFrame, String> rejected,
      Map<String, ?> provenance,
      Configuration hadoop)
      throws IOException {
    LinkedHashMap<String, Object> primary = new LinkedHashMap<>(provenance);
    primary.put("NFRAMES", used.size());
    if (!Double.isNaN(master.readNoise())) {
      primary.put("RDNOISE", master.readNoise());
    }
    int number = 0;
    for (CalibrationFrame frame : used) {
      primary.put("FRAME%03d".formatted(++number), label(frame));
    }
    number = 0;
    for (Map.Entry<CalibrationFrame, String> left : rejected.entrySet()) {
      number++;
      primary.put("REJCT%03d".formatted(number), label(left.getKey()));
      primary.put("REJWY%03d".formatted(number), left.getValue());
    }
    new FitsWriter(hadoop)
        .write(
            path,
            primary,
            List.of(
                new FitsExtension("LEVEL", master.level(), master.width(), master.height()),
                new FitsExtension("ERROR", master.error(), master.width(), master.height()),
                new FitsExtension("USED", master.used(), master.width(), master.height())));
  }

  private static String label(CalibrationFrame frame) {
    return frame.path() + (frame.hdu() > 0 ? "[" + frame.hdu() + "]" : "");
  }

  /** Reads what {@link #write} has written; its list of frames holds positions only. */
  static Master read(String path, Configuration hadoop) {
    FrameReader reader = new FrameReader(hadoop);
    FitsImage level = reader.readNamed(path, "LEVEL");
    FitsImage error = reader.readNamed(path, "ERROR");
    FitsImage used = reader.readNamed(path, "USED");
    short[] counts = new short[used.pixels().length];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = (short) used.pixels()[i];
    }
    int frames = (int) level.header().number("NFRAMES").orElse(0);
    List<Integer> positions = new ArrayList<>(frames);
    for (int i = 0; i < frames; i++) {
      positions.add(i);
    }
    return new Master(
        level.pixels(),
        error.pixels(),
        counts,
        level.width(),
        level.height(),
        level.header().number("RDNOISE").orElse(Double.NaN),
        positions,
        List.of());
  }
}

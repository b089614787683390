package org.starmill.campaign;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.Simulation;
import org.starmill.sample.SimulationSettings;

/** Frames of one sensor, given dates of several nights: 320 x 300 pixels, three of each kind. */
final class SeveralNights {
  static final String FIRST = "2026-02-13";
  static final String SECOND = "2026-02-14";
  static final String THIRD = "2026-02-15";

  private static final int COLUMNS = 320;
  private static final int RAW_COLUMNS = 350;
  private static final int BLOCK = 2880;
  private static final Pattern MJD = Pattern.compile("MJD-OBS = +([0-9.]+)");
  private static final Pattern DATE = Pattern.compile("DATE-OBS= '2026-02-(\\d\\d)T");

  private final Path simulated;

  /** Simulates nine bias and nine flat frames, three of each for a night, and three images. */
  SeveralNights(Path folder) throws IOException {
    simulated = folder;
    Simulation.write(
        folder,
        SimulationSettings.of(
                CameraSettings.ztfLike().withSize(COLUMNS, 300).withStars(150).withSeed(12), 3)
            .withCalibrations(9, 9),
        (file, done, total) -> {});
  }

  /**
   * Writes the frames of a night.
   *
   * @param number 1, 2 or 3
   * @param jump ADU added to the part of the bias frames that sees light
   */
  void write(Path into, int number, int jump) throws IOException {
    Files.createDirectories(into);
    for (int i = 3 * number - 2; i <= 3 * number; i++) {
      copy("bias_%04d.fits".formatted(i), into, number, jump);
      copy("flat_g_%04d.fits".formatted(i), into, number, jump);
    }
    copy("sci_%06d_g.fits".formatted(number), into, number, jump);
  }

  /** Copies one frame as of another night; what its pixels hold is noise of its own. */
  void copy(String name, Path into, int night, int jump) throws IOException {
    byte[] file = Files.readAllBytes(simulated.resolve(name));
    String header = new String(file, 0, BLOCK, StandardCharsets.ISO_8859_1);
    header = replaced(header, MJD, night);
    header = replaced(header, DATE, night);
    System.arraycopy(header.getBytes(StandardCharsets.ISO_8859_1), 0, file, 0, BLOCK);
    int data = BLOCK;
    while (!new String(file, 0, data, StandardCharsets.ISO_8859_1).matches("(?s).* END {77,}")) {
      data += BLOCK;
    }
    ByteBuffer pixels = ByteBuffer.wrap(file, data, file.length - data).slice();
    for (int y = 0; y < 300; y++) {
      for (int x = 0; x < COLUMNS; x++) {
        int at = 2 * (y * RAW_COLUMNS + x);
        pixels.putShort(at, (short) (pixels.getShort(at) + jump));
      }
    }
    Files.write(into.resolve(name), file);
  }

  private static String replaced(String header, Pattern card, int night) {
    Matcher found = card.matcher(header);
    if (!found.find()) {
      throw new AssertionError("no card %s in the header".formatted(card));
    }
    String old = found.group(1);
    String now =
        card == MJD
            ? String.format(Locale.ROOT, "%.9f", Double.parseDouble(old) + night - 1)
            : "%02d".formatted(Integer.parseInt(old) + night - 1);
    // The value ends where it ended, with blanks before it or none behind it.
    int room = found.end(1) - found.start(1);
    int from = found.start(1) - Math.max(0, now.length() - room);
    int to = found.end(1);
    return header.substring(0, from)
        + " ".repeat(Math.max(0, to - from - now.length()))
        + now
        + header.substring(to);
  }
}

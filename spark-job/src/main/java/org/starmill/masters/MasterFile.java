package org.starmill.masters;

import java.io.IOException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.starmill.calibrate.Master;
import org.starmill.fits.FitsExtension;
import org.starmill.fits.FitsImage;
import org.starmill.fits.FitsTable;
import org.starmill.fits.FitsTable.Column;
import org.starmill.fits.FitsValue;
import org.starmill.fits.FitsWriter;
import org.starmill.fits.FrameReader;

/**
 * A master as a FITS file.
 *
 * <p>Three extensions of the trimmed image's size: LEVEL (ADU for a bias, relative response for a
 * flat), ERROR (one standard deviation) and USED (number of frames in each pixel); then the table
 * FRAMES with a row for each frame, used or left out. The primary header says what it was made of
 * and what it is like, and, once it was compared, how it differs from the master of the night
 * before.
 */
final class MasterFile {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS", Locale.ROOT);
  private static final double MJD_OF_1970 = 40_587;
  private static final double MILLISECONDS_A_DAY = 86_400_000;

  private MasterFile() {}

  /**
   * Writes a master to its place.
   *
   * @param built what it is, with its place
   * @param used the frames it is built of
   * @param leftOut the frames that were not used, with the reasons
   * @param configurationHash of the settings that masters depend on
   */
  static void write(
      BuiltMaster built,
      Master master,
      List<CalibrationFrame> used,
      Map<CalibrationFrame, String> leftOut,
      String configurationHash,
      Configuration hadoop)
      throws IOException {
    boolean bias = built.kind() == MasterKind.BIAS;
    LinkedHashMap<String, Object> primary = new LinkedHashMap<>();
    provenance(primary, built, configurationHash);
    figures(primary, built);
    times(primary, built.figures());
    int number = 0;
    for (CalibrationFrame frame : used) {
      primary.put("FRAME%03d".formatted(++number), frame.label());
    }
    number = 0;
    for (Map.Entry<CalibrationFrame, String> left : leftOut.entrySet()) {
      number++;
      primary.put("REJCT%03d".formatted(number), left.getKey().label());
      primary.put("REJWY%03d".formatted(number), left.getValue());
    }
    Map<String, Object> unit =
        bias ? Map.of("BUNIT", new FitsValue("adu", "after overscan subtraction")) : Map.of();
    int width = master.width();
    int height = master.height();
    new FitsWriter(hadoop)
        .write(
            built.path(),
            primary,
            List.of(
                new FitsExtension("LEVEL", master.level(), width, height, unit),
                new FitsExtension("ERROR", master.error(), width, height, unit),
                new FitsExtension("USED", master.used(), width, height),
                frames(built, used, leftOut)));
  }

  private static void provenance(
      Map<String, Object> primary, BuiltMaster built, String configurationHash) {
    primary.put("IMAGETYP", "master " + built.kind().name().toLowerCase(Locale.ROOT));
    primary.put("MASTERID", built.identity());
    if (built.bias() != null) {
      primary.put("BIASID", new FitsValue(built.bias(), "master bias of the flats"));
    }
    primary.put("CONFHASH", new FitsValue(configurationHash, "of the settings it depends on"));
    if (built.night() != null) {
      primary.put("NIGHT", new FitsValue(built.night(), "date of the night's evening"));
    }
    primary.put("CCDNAME", built.amplifier().ccd());
    primary.put("QUADRANT", built.amplifier().quadrant());
    primary.put("OVERSCAN", new FitsValue(built.amplifier().overscan(), "frames have overscan"));
    if (built.filter() != null) {
      primary.put("FILTER", built.filter());
    }
  }

  private static void figures(Map<String, Object> primary, BuiltMaster built) {
    MasterFigures figures = built.figures();
    String unit = built.kind() == MasterKind.BIAS ? "[adu] " : "";
    primary.put("NFRAMES", new FitsValue(built.used().size(), "frames used, see FRAMES"));
    primary.put("NREJECT", new FitsValue(built.leftOut().size(), "frames left out"));
    put(primary, "RDNOISE", figures.readNoise(), "[adu] read noise of one frame");
    put(primary, "MEDLEVEL", figures.level(), unit + "median of LEVEL");
    put(primary, "MEDNOISE", figures.noise(), unit + "noise of this master, median of ERROR");
    primary.put(
        "NCLIPPED", new FitsValue(figures.clipped(), "values clipped, all frames and pixels"));
    primary.put("NEMPTY", new FitsValue(figures.empty(), "pixels without a value"));
    primary.put(
        "DATE", new FitsValue(figures.built().replace("Z", ""), "when this was built, UTC"));
  }

  private static void times(Map<String, Object> primary, MasterFigures figures) {
    if (!Double.isFinite(figures.mjdFirst())) {
      return;
    }
    primary.put("TIMESYS", "UTC");
    time(primary, "OBS", figures.mjdFirst(), "start of the first frame");
    time(primary, "BEG", figures.mjdFirst(), "start of the first frame");
    time(primary, "AVG", figures.mjdMean(), "mean of the frames' middles");
    time(primary, "END", figures.mjdLast(), "end of the last frame");
  }

  private static void time(Map<String, Object> primary, String name, double mjd, String what) {
    long milliseconds = Math.round((mjd - MJD_OF_1970) * MILLISECONDS_A_DAY);
    primary.put(
        "DATE-" + name,
        new FitsValue(
            DATE.format(Instant.ofEpochMilli(milliseconds).atOffset(ZoneOffset.UTC)), what));
    primary.put("MJD-" + name, new FitsValue(mjd, "[d] the same"));
  }

  private static FitsTable frames(
      BuiltMaster built, List<CalibrationFrame> used, Map<CalibrationFrame, String> leftOut) {
    List<CalibrationFrame> all = new ArrayList<>(used);
    all.addAll(leftOut.keySet());
    List<String> reasons = new ArrayList<>();
    List<Double> levels = new ArrayList<>();
    List<Long> clipped = new ArrayList<>();
    for (BuiltMaster.UsedFrame frame : built.used()) {
      reasons.add("");
      levels.add(frame.level());
      clipped.add(frame.clipped());
    }
    for (String reason : leftOut.values()) {
      reasons.add(reason);
      levels.add(Double.NaN);
      clipped.add(0L);
    }
    return new FitsTable(
        "FRAMES",
        List.of(
            new Column(
                "EXPOSURE_ID", null, all.stream().map(CalibrationFrame::exposureId).toList()),
            new Column("PATH", null, all.stream().map(CalibrationFrame::path).toList()),
            new Column("HDU", null, all.stream().map(frame -> (long) frame.hdu()).toList()),
            new Column("USED", null, reasons.stream().map(String::isEmpty).toList()),
            new Column("LEVEL", "adu", levels),
            new Column("CLIPPED", "pix", clipped),
            new Column("MJD", "d", all.stream().map(CalibrationFrame::mjd).toList()),
            new Column(
                "EXPTIME", "s", all.stream().map(CalibrationFrame::exposureSeconds).toList()),
            new Column("REASON", null, reasons)));
  }

  /** Adds to a file that is there how it differs from the master of the night before. */
  static void addChange(String path, MasterKind kind, MasterChecked checked, Configuration hadoop)
      throws IOException {
    LinkedHashMap<String, Object> cards = new LinkedHashMap<>();
    String unit = kind == MasterKind.BIAS ? "[adu] " : "";
    cards.put("PREVID", new FitsValue(checked.previous(), "master it is compared with"));
    cards.put("PREVNGHT", new FitsValue(checked.previousNight(), "night of that"));
    if (checked.change() != null) {
      put(cards, "CHGLEVEL", checked.change().level(), unit + "median change");
      put(
          cards,
          "CHGSHAPE",
          checked.change().shape(),
          unit + "largest change of a box beside that");
      put(cards, "CHGSCAT", checked.change().scatter(), "scatter of changes, over expected");
      put(cards, "CHGSHARE", checked.change().share(), "pixels changed by > 5 sigma, 0 to 1");
    }
    if (checked.warning() != null) {
      cards.put("WARNING", checked.warning());
    }
    new FitsWriter(hadoop).addToPrimary(path, cards);
  }

  private static void put(Map<String, Object> cards, String key, double number, String comment) {
    if (Double.isFinite(number)) {
      cards.put(key, new FitsValue(number, comment));
    }
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

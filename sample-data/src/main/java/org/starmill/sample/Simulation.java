package org.starmill.sample;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import nom.tam.fits.FitsException;

/**
 * Writes the frames of a simulated night and the truth behind them into a folder.
 *
 * <p>Bias frames first, then flats, then science frames, one at a time; each file is written under
 * a temporary name and renamed when it is whole. The files are {@code bias_0001.fits}, {@code
 * flat_g_0001.fits}, {@code sci_000001_g.fits} ({@code .fits.fz} if compressed) and {@code
 * truth/sci_000001_g.parquet}; the numbers are the indices of {@link SimulatedCamera}'s frames.
 */
public final class Simulation {

  /** Hears of each frame that is on the disk. */
  @FunctionalInterface
  public interface Progress {
    /**
     * Called after a frame was written.
     *
     * @param file its path
     * @param done frames written so far
     * @param total frames of the simulation
     */
    void written(Path file, int done, int total);
  }

  private static final String CAMERA_NAME = "Starmill simulated camera";
  private static final double MJD_EVENING = 61_085;
  private static final double HOURS = 1 / 24.0;
  private static final double SECONDS = 1 / 86_400.0;
  private static final DateTimeFormatter DATE_OBS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS", Locale.ROOT);

  private final Path out;
  private final SimulationSettings settings;
  private final Progress progress;
  private final List<SimulatedCamera> cameras = new ArrayList<>();
  private final List<Path> written = new ArrayList<>();

  private Simulation(Path out, SimulationSettings settings, Progress progress) {
    this.out = out;
    this.settings = settings;
    this.progress = progress;
    for (int quadrant = settings.mosaic() ? 1 : 0;
        quadrant <= (settings.mosaic() ? 4 : 0);
        quadrant++) {
      cameras.add(new SimulatedCamera(settings.camera(), quadrant));
    }
  }

  /**
   * Writes all frames.
   *
   * @param out folder, made if it is not there
   * @return paths of the frames, in the order they were taken
   * @throws IllegalArgumentException if the folder holds anything, or is a file
   * @throws IOException if a file cannot be written; what was whole before stays
   */
  public static List<Path> write(Path out, SimulationSettings settings, Progress progress)
      throws IOException {
    requireEmpty(out);
    Files.createDirectories(out);
    return new Simulation(out, settings, progress).run();
  }

  private static void requireEmpty(Path out) throws IOException {
    if (Files.exists(out) && !Files.isDirectory(out)) {
      throw new IllegalArgumentException(
          "output '%s' is a file: expected a folder, name another".formatted(out));
    }
    if (Files.isDirectory(out)) {
      try (Stream<Path> entries = Files.list(out)) {
        Path found = entries.findFirst().orElse(null);
        if (found != null) {
          throw new IllegalArgumentException(
              "output folder '%s' is not empty (it holds '%s'): name a new folder or empty this one"
                  .formatted(out, found.getFileName()));
        }
      }
    }
  }

  private List<Path> run() throws IOException {
    for (int i = 1; i <= settings.biases(); i++) {
      calibration("bias_%04d".formatted(i), i, true);
    }
    for (int i = 1; i <= settings.flats(); i++) {
      calibration("flat_%s_%04d".formatted(settings.filter(), i), i, false);
    }
    if (settings.images() > 0) {
      Files.createDirectories(out.resolve("truth"));
    }
    for (int i = 1; i <= settings.images(); i++) {
      science("sci_%06d_%s".formatted(i, settings.filter()), i);
    }
    return List.copyOf(written);
  }

  private void calibration(String name, int index, boolean bias) throws IOException {
    double exposure = bias ? 0 : cameras.get(0).flatTime();
    double mjd = MJD_EVENING + (bias ? 0 : HOURS) + 10 * SECONDS * (index - 1);
    FrameFile.Cards cards =
        exposureCards(bias ? "bias" : "flat", bias ? "bias" : "flat", exposure, mjd, !bias);
    String file = name + suffix();
    Path part = out.resolve("." + file + ".part");
    try {
      try (FrameFile frames = open(part, cards)) {
        for (int k = 0; k < cameras.size(); k++) {
          SimulatedCamera camera = cameras.get(k);
          SimulatedFrame frame = bias ? camera.bias(index) : camera.flat(index);
          frames.image(frame, imageCards(cards, k));
        }
      }
      rename(part, out.resolve(file));
    } catch (FitsException cause) {
      throw new IOException("%s: cannot be written: %s".formatted(file, cause.getMessage()), cause);
    } finally {
      Files.deleteIfExists(part);
    }
    tell(out.resolve(file));
  }

  private void science(String name, int index) throws IOException {
    // However many images there are, they fit into the eight hours of one night.
    double pace = Math.min(settings.camera().exposureTime() + 10, 8 * 3600.0 / settings.images());
    double mjd = MJD_EVENING + 3 * HOURS + pace * SECONDS * (index - 1);
    FrameFile.Cards cards =
        exposureCards(
                "object",
                "field %06d".formatted(index),
                settings.camera().exposureTime(),
                mjd,
                true)
            .put("FIELDID", index, "field number")
            .put("AIRMASS", 1.05 + 0.4 * (index - 1) / settings.images(), "at the start");
    String file = name + suffix();
    String truthFile = name + ".parquet";
    Path part = out.resolve("." + file + ".part");
    Path truthPart = out.resolve("truth").resolve("." + truthFile + ".part");
    try {
      try (FrameFile frames = open(part, cards);
          TruthFile truth = new TruthFile(truthPart)) {
        for (int k = 0; k < cameras.size(); k++) {
          SimulatedExposure exposure = cameras.get(k).science(index);
          FrameFile.Cards image = imageCards(cards, k);
          int quadrant = settings.mosaic() ? k + 1 : 0;
          for (Map.Entry<String, Object> card :
              Pointing.of(settings.camera(), index, quadrant).keywords().entrySet()) {
            image.put(card.getKey(), card.getValue(), "");
          }
          frames.image(exposure.frame(), image);
          truth.add(file, firstHdu() + k, exposure.stars());
        }
      }
      rename(truthPart, out.resolve("truth").resolve(truthFile));
      rename(part, out.resolve(file));
    } catch (FitsException cause) {
      throw new IOException("%s: cannot be written: %s".formatted(file, cause.getMessage()), cause);
    } finally {
      Files.deleteIfExists(part);
      Files.deleteIfExists(truthPart);
    }
    tell(out.resolve(file));
  }

  private String suffix() {
    return settings.rice() ? ".fits.fz" : ".fits";
  }

  private int firstHdu() {
    return settings.rice() || settings.mosaic() ? 1 : 0;
  }

  private FrameFile open(Path part, FrameFile.Cards cards) throws IOException, FitsException {
    FrameFile frames = new FrameFile(part, settings.rice());
    if (settings.mosaic()) {
      try {
        frames.primary(cards);
      } catch (IOException | FitsException cause) {
        frames.close();
        throw cause;
      }
    }
    return frames;
  }

  /** The keywords of an exposure; in a mosaic they stand in the primary header alone. */
  private FrameFile.Cards exposureCards(
      String type, String object, double exposure, double mjd, boolean light) {
    long millis = Math.round((mjd - 40_587) * 86_400_000);
    LocalDateTime start = LocalDateTime.ofInstant(Instant.ofEpochMilli(millis), ZoneOffset.UTC);
    FrameFile.Cards cards =
        new FrameFile.Cards()
            .put("IMAGETYP", type, "bias, flat or object")
            .put("OBJECT", object, "")
            .put("INSTRUME", CAMERA_NAME, "")
            .put("EXPTIME", exposure, "[s] exposure time")
            .put("DATE-OBS", DATE_OBS.format(start), "UTC, start of exposure")
            .put("MJD-OBS", mjd, "[d] start of exposure");
    if (light) {
      cards.put("FILTER", settings.filter(), "");
    }
    return cards;
  }

  /** The keywords of one image: those of its amplifier, and of the exposure unless a mosaic. */
  private FrameFile.Cards imageCards(FrameFile.Cards exposure, int k) {
    CameraSettings.Chip chip = settings.camera().chip();
    FrameFile.Cards cards = settings.mosaic() ? new FrameFile.Cards() : exposure;
    if (settings.mosaic()) {
      cards.put("EXTNAME", "Q" + (k + 1), "").put("INHERIT", true, "primary header holds too");
    }
    cards
        .put("CCD_ID", 1, "number of the chip")
        .put("QUADRANT", k + 1, "of the chip")
        .put("AMP_ID", k, "amplifier")
        .put("GAIN", chip.gain(), "[e-/adu]")
        .put("READNOI", chip.readNoise(), "[e-] read noise")
        .put("SATURATE", settings.camera().saturation(), "[adu] raw level of saturation")
        .put("DATASEC", section(1, chip.width(), chip.height()), "light")
        .put("TRIMSEC", section(1, chip.width(), chip.height()), "");
    if (chip.overscan() > 0) {
      String overscan = section(chip.width() + 1, chip.width() + chip.overscan(), chip.height());
      cards.put("BIASSEC", overscan, "overscan");
    }
    return cards.put("BUNIT", "adu", "");
  }

  private static String section(int from, int to, int rows) {
    return "[%d:%d,1:%d]".formatted(from, to, rows);
  }

  private static void rename(Path part, Path file) throws IOException {
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private void tell(Path file) {
    written.add(file);
    progress.written(
        file, written.size(), settings.biases() + settings.flats() + settings.images());
  }
}

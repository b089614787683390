package org.starmill.masters;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.MasterSettings;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.fits.FitsImage;
import org.starmill.fits.FrameReader;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.instrument.FrameFacts;
import org.starmill.instrument.Instrument;

/**
 * Builds one master of its frames and writes it as a FITS file.
 *
 * <p>The file is named by the hash of all that the master depends on and appears whole or not at
 * all, so that two tasks that build the same master write the same file. Frames that do not fit are
 * left out with a reason, files that have become unreadable since they were planned among them.
 */
public final class MasterBuild {
  private final Instrument instrument;
  private final CampaignConfig.MasterSettings settings;
  private final String configurationHash;
  private final Path folder;
  private final Configuration hadoop;

  /**
   * Prepares to build masters.
   *
   * @param configurationHash of the settings that masters depend on
   * @param folder that the files go to
   */
  public MasterBuild(
      Instrument instrument,
      CampaignConfig.MasterSettings settings,
      String configurationHash,
      Path folder,
      Configuration hadoop) {
    this.instrument = instrument;
    this.settings = settings;
    this.configurationHash = configurationHash;
    this.folder = folder;
    this.hadoop = hadoop;
  }

  /** The file of a master. */
  public static Path file(Path folder, String identity) {
    return new Path(folder, identity + ".fits");
  }

  /**
   * Builds the master, on the given device.
   *
   * @return what it was built of; or, with a reason, that it could not be
   */
  public BuiltMaster build(MasterGroup group, Device device) throws IOException {
    String identity = group.identity(configurationHash);
    String biasIdentity = group.bias() == null ? null : group.bias().identity(configurationHash);
    Master bias = null;
    if (group.bias() != null) {
      Path biasFile = file(folder, biasIdentity);
      FileSystem fileSystem = biasFile.getFileSystem(hadoop);
      if (!fileSystem.exists(biasFile)) {
        return BuiltMaster.failed(
            group, identity, biasIdentity, "no bias: the master bias of the flats could not be built");
      }
      bias = MasterCache.OF_THIS_JVM.get(biasFile.toString(), hadoop);
    }
    Master master;
    Frames frames = new Frames(group.frames(), bias == null ? 0 : bias.readNoise());
    try {
      MasterBuilder builder = new MasterBuilder(device, builderSettings(group.kind()));
      master = bias == null ? builder.bias(frames) : builder.flat(frames, bias);
    } catch (ImageRejected rejected) {
      return BuiltMaster.failed(group, identity, biasIdentity, rejected.getMessage());
    }
    List<CalibrationFrame> used = frames.used(master);
    Map<CalibrationFrame, String> rejected = frames.rejected(master);
    String path = file(folder, identity).toString();
    MasterFile.write(
        path, master, used, rejected, provenance(group, identity, biasIdentity), hadoop);
    return BuiltMaster.of(
        group,
        identity,
        biasIdentity,
        path,
        used.stream().map(CalibrationFrame::exposureId).toList(),
        rejected.keySet().stream().map(CalibrationFrame::exposureId).toList(),
        List.copyOf(rejected.values()),
        master.readNoise());
  }

  private MasterSettings builderSettings(MasterKind kind) {
    int wished = kind == MasterKind.BIAS ? settings.minBiasFrames() : settings.minFlatFrames();
    int most = Math.min(settings.maxFrames(), MasterSettings.MOST_FRAMES);
    return new MasterSettings(
        Math.min(wished, most),
        most,
        settings.clipSigma(),
        MasterSettings.DEFAULT.iterations(),
        MasterSettings.DEFAULT.overscan());
  }

  private Map<String, Object> provenance(
      MasterGroup group, String identity, String biasIdentity) {
    LinkedHashMap<String, Object> provenance = new LinkedHashMap<>();
    provenance.put("IMAGETYP", "master " + group.kind().name().toLowerCase(Locale.ROOT));
    provenance.put("MASTERID", identity);
    if (biasIdentity != null) {
      provenance.put("BIASID", biasIdentity);
    }
    provenance.put("CONFHASH", configurationHash);
    if (group.night() != null) {
      provenance.put("NIGHT", group.night());
    }
    provenance.put("CCDNAME", group.amplifier().ccd());
    provenance.put("QUADRANT", group.amplifier().quadrant());
    if (group.filter() != null) {
      provenance.put("FILTER", group.filter());
    }
    return provenance;
  }

  /** Reads the frames one at a time; passes over those that cannot be read any more. */
  private final class Frames implements Iterable<RawFrame> {
    private final List<CalibrationFrame> frames;
    private final double readNoise;
    private final FrameReader reader = new FrameReader(hadoop);
    private final List<CalibrationFrame> given = new ArrayList<>();
    private final Map<CalibrationFrame, String> unusable = new LinkedHashMap<>();

    /**
     * @param readNoise ADU, of the bias frames; 0 where that is not known yet
     */
    Frames(List<CalibrationFrame> frames, double readNoise) {
      this.frames = frames;
      this.readNoise = readNoise;
    }

    @Override
    public Iterator<RawFrame> iterator() {
      given.clear();
      unusable.clear();
      Iterator<CalibrationFrame> rest = frames.iterator();
      return new Iterator<>() {
        private RawFrame next;

        @Override
        public boolean hasNext() {
          while (next == null && rest.hasNext()) {
            CalibrationFrame frame = rest.next();
            try {
              next = read(frame);
              given.add(frame);
            } catch (ImageRejected rejected) {
              unusable.put(frame, rejected.getMessage());
            }
          }
          return next != null;
        }

        @Override
        public RawFrame next() {
          if (!hasNext()) {
            throw new NoSuchElementException();
          }
          RawFrame frame = next;
          next = null;
          return frame;
        }
      };
    }

    private RawFrame read(CalibrationFrame frame) {
      FitsImage image = reader.read(frame.path(), frame.hdu());
      FrameFacts facts =
          instrument.describe(
              frame.path(), frame.hdu(), image.width(), image.height(), image.header());
      return facts.frame(
          image.pixels(), image.width(), image.height(), facts.detector(readNoise));
    }

    List<CalibrationFrame> used(Master master) {
      return master.frames().stream().map(given::get).toList();
    }

    Map<CalibrationFrame, String> rejected(Master master) {
      Map<CalibrationFrame, String> all = new LinkedHashMap<>(unusable);
      for (Master.Rejection rejection : master.rejected()) {
        all.put(given.get(rejection.frame()), rejection.reason());
      }
      return all;
    }
  }
}

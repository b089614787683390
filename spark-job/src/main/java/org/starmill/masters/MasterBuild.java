package org.starmill.masters;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.MasterSettings;
import org.starmill.catalog.Reasons;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.device.DeviceException;
import org.starmill.image.ImageRejected;
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
   * @param guard stands by while its frames are read
   * @return what it was built of; or, with a reason, that it could not be
   */
  public BuiltMaster build(MasterGroup group, Device device, FrameGuard guard) throws IOException {
    String identity = group.identity(configurationHash);
    String biasIdentity = group.bias() == null ? null : group.bias().identity(configurationHash);
    Master bias = null;
    if (group.bias() != null) {
      Path biasFile = file(folder, biasIdentity);
      FileSystem fileSystem = biasFile.getFileSystem(hadoop);
      if (!fileSystem.exists(biasFile)) {
        return BuiltMaster.failed(
            group,
            identity,
            biasIdentity,
            "no bias: the master bias of the flats could not be built");
      }
      bias = MasterCache.OF_THIS_JVM.get(biasFile.toString(), hadoop);
    }
    Master master;
    MasterFrames frames =
        new MasterFrames(
            instrument, group.frames(), bias == null ? 0 : bias.readNoise(), guard, hadoop);
    try {
      MasterBuilder builder = new MasterBuilder(device, settingsOf(group.kind(), settings));
      master = bias == null ? builder.bias(frames) : builder.flat(frames, bias);
    } catch (ImageRejected rejected) {
      return BuiltMaster.failed(group, identity, biasIdentity, rejected.getMessage());
    } catch (DeviceException | UncheckedIOException endsTheTask) {
      throw endsTheTask;
    } catch (RuntimeException unforeseen) {
      return BuiltMaster.failed(group, identity, biasIdentity, Reasons.internal(unforeseen));
    }
    List<CalibrationFrame> used = frames.used(master);
    Map<CalibrationFrame, String> leftOut = frames.rejected(master);
    String path = file(folder, identity).toString();
    BuiltMaster built = BuiltMaster.of(group, identity, biasIdentity, path, master, used, leftOut);
    MasterFile.write(built, master, used, leftOut, configurationHash, hadoop);
    return built;
  }

  /** What a campaign's settings mean for the building of one kind of master. */
  public static MasterSettings settingsOf(MasterKind kind, CampaignConfig.MasterSettings settings) {
    int fewest = kind == MasterKind.BIAS ? settings.minBiasFrames() : settings.minFlatFrames();
    return new MasterSettings(
        fewest,
        Math.max(fewest, Math.min(settings.maxFrames(), MasterSettings.MOST_FRAMES)),
        settings.clipSigma(),
        MasterSettings.DEFAULT.iterations(),
        MasterSettings.DEFAULT.overscan());
  }
}

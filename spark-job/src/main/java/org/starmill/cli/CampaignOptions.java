package org.starmill.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.starmill.campaign.CampaignRequest;
import org.starmill.config.CampaignConfig;
import org.starmill.instrument.Instrument;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say what a campaign reads, where it writes, and with which settings. */
final class CampaignOptions {
  @Option(
      names = {"-i", "--input"},
      required = true,
      arity = "1..*",
      paramLabel = "DIR|GLOB",
      description = {
        "Folders (searched to their leaves), patterns or files of raw FITS frames: bias, flat and"
            + " science together. Any Hadoop file system."
      })
  List<String> inputs = new ArrayList<>();

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "Folder of the campaign: new, empty, or that of a campaign to go on with.")
  String output;

  @Option(
      names = "--campaign",
      paramLabel = "ID",
      description = "Name of the campaign; without it, the name of the output folder.")
  String campaign;

  @Option(
      names = "--allow-changes",
      description = {
        "Go on with a campaign that was begun with another configuration or version of Starmill;"
            + " each row of exposures says which it was measured with."
      })
  boolean allowChanges;

  @Mixin SettingOptions settings = new SettingOptions();

  CampaignRequest request() {
    CampaignConfig config = settings.config();
    return new CampaignRequest(
        List.copyOf(inputs), output, campaign, config, Instrument.load(config.instrument()));
  }

  /** The options that say which settings apply. */
  static final class SettingOptions {
    @Option(
        names = "--instrument",
        paramLabel = "NAME",
        description = "The camera: a file of conf/instruments without .conf, or a path to one.")
    String instrument;

    @Option(
        names = "--config",
        paramLabel = "FILE",
        description = "Settings in HOCON that differ from conf/starmill.conf.")
    Path file;

    @Option(
        names = "--set",
        paramLabel = "KEY=VALUE",
        description = "One setting, as psf.model=gaussian; the last one wins. Repeatable.")
    List<String> assignments = new ArrayList<>();

    @Option(names = "--device", paramLabel = "D", description = "auto, gpu, opencl-cpu or java.")
    String device;

    /** All settings: defaults, the camera's, those of the file, and those of the command line. */
    CampaignConfig config() {
      List<String> all = new ArrayList<>(assignments);
      if (instrument != null) {
        all.add("instrument=" + instrument);
      }
      if (device != null) {
        all.add("device.name=" + device);
      }
      return CampaignConfig.load(file, all, name -> Instrument.load(name).campaignDefaults());
    }
  }
}

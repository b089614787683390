package org.starmill.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.starmill.campaign.Campaign;
import org.starmill.campaign.CampaignStatus;
import org.starmill.campaign.SparkSessions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says how far a campaign is, and which frames are not ok and why. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = "Counts a campaign's images by night, filter, status and reason.",
    footer = {"", "Example:", "  starmill status --output /data/catalog"})
final class StatusCommand implements Callable<Integer> {
  static final int FAILURES_LISTED = 1000;

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "Folder of the campaign.")
  String output;

  @Option(
      names = "--failures",
      paramLabel = "N",
      defaultValue = "20",
      description =
          "How many frames that are not ok, and masters to be looked at, to list; 20 without this"
              + " option.")
  int failures;

  @Option(
      names = "--masters",
      description =
          "List the masters, too: of how many frames each is, what was clipped, its noise, and how"
              + " it differs from that of the night before.")
  boolean masters;

  @Option(names = "--json", description = "Print everything as JSON.")
  boolean json;

  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    var spark = SparkSessions.open();
    try {
      Campaign campaign = Campaign.open(output, spark.sparkContext().hadoopConfiguration());
      CampaignStatus status =
          CampaignStatus.of(spark, campaign, json ? FAILURES_LISTED : failures, masters);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(Json.of(status));
      } else {
        out.print(Tables.of(status));
      }
      out.flush();
      return 0;
    } finally {
      spark.stop();
    }
  }
}

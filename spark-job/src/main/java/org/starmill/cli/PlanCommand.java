package org.starmill.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.starmill.campaign.Campaign;
import org.starmill.campaign.CampaignRequest;
import org.starmill.campaign.CampaignRun;
import org.starmill.campaign.CostEstimate;
import org.starmill.campaign.PlanSummary;
import org.starmill.campaign.RunScope;
import org.starmill.campaign.RunTrace;
import org.starmill.campaign.SparkSessions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Finds the frames of a campaign and reads their headers, without measuring anything. */
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description = {
      "Lists the input, reads the headers and writes the plan: what each frame is taken for, and",
      "which science frames have no bias or flat frames.",
      "Worth a look before a long run; 'run' plans by itself where that is not done."
    },
    footer = {"", "Example:", "  starmill plan --input /data/night1 --output /data/catalog"})
final class PlanCommand implements Callable<Integer> {
  @Mixin CampaignOptions campaign;

  @Option(names = "--json", description = "Print the counts as JSON.")
  boolean json;

  @Option(
      names = "--estimate",
      description =
          "Say also what a run would cost: images, bytes, core-hours on each device, size of the"
              + " catalog. The section cost of conf/starmill.conf has the figures it counts with.")
  boolean estimate;

  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    CampaignRequest request = campaign.request();
    var spark = SparkSessions.open();
    try {
      RunScope scope = new RunScope(List.of(), Long.MAX_VALUE, campaign.allowChanges);
      Campaign planned =
          new CampaignRun(spark, request, new Tally(System.err), RunTrace.off(), scope).plan();
      PlanSummary summary = PlanSummary.of(spark, planned, request);
      if (estimate) {
        summary = summary.with(CostEstimate.of(spark, planned, request));
      }
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(Json.of(summary));
      } else {
        out.print(Tables.of(summary));
      }
      out.flush();
      return 0;
    } finally {
      spark.stop();
    }
  }
}

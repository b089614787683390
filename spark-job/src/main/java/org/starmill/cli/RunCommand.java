package org.starmill.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.sql.SparkSession;
import org.starmill.campaign.Campaign;
import org.starmill.campaign.CampaignRequest;
import org.starmill.campaign.CampaignRun;
import org.starmill.campaign.CampaignStatus;
import org.starmill.campaign.RunScope;
import org.starmill.campaign.RunTrace;
import org.starmill.campaign.SparkSessions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Reduces all frames of a campaign, or those that are left of it. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = {
      "Reduces raw frames to a catalog: plans, builds masters, measures.",
      "A run that was stopped goes on where it stood when the same command is given again."
    },
    footer = {
      "",
      "Example:",
      "  starmill run --input /data/night1 --output /data/catalog --instrument nickel",
      "  starmill run --input /data/night1 --output /data/catalog --retry truncated",
      "",
      "The stars are in OUTPUT/sources/**/*.parquet, a row for each image with its status and",
      "reason in OUTPUT/exposures/*.parquet. Progress goes to stderr, the closing table to stdout."
    })
final class RunCommand implements Callable<Integer> {
  @Mixin CampaignOptions campaign;

  @Option(
      names = "--retry",
      paramLabel = "WHAT",
      description = {
        "Try those images again, and no others, that are 'failed' or 'partial', or whose reason"
            + " has this code, as 'truncated' or 'no flat'. Their former rows and stars count"
            + " until the new ones do. Repeatable."
      })
  List<String> retry = new ArrayList<>();

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "End once N frames got a row; the same command goes on with the others.")
  Long limit;

  @Option(names = "--strict", description = "End with exit code 3 if any image failed.")
  boolean strict;

  @Option(names = "--json", description = "Print the state of the campaign as JSON.")
  boolean json;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description = "Write what was done when to a local file, for ui.perfetto.dev.")
  Path trace;

  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    if (limit != null && limit < 1) {
      throw new ParameterException(
          spec.commandLine(), "--limit %d: expected a number of frames from 1".formatted(limit));
    }
    CampaignRequest request = campaign.request();
    Tally tally = new Tally(System.err);
    var spark = SparkSessions.open(request.config().device());
    try {
      Campaign done = run(spark, request, tally);
      CampaignStatus status =
          json || strict ? CampaignStatus.of(spark, done, StatusCommand.FAILURES_LISTED) : null;
      if (json) {
        spec.commandLine().getOut().println(Json.of(status));
      } else {
        spec.commandLine().getOut().print(tally.table(request.output()).text());
      }
      spec.commandLine().getOut().flush();
      return strict && status.failedImages() > 0 ? Starmill.SOME_IMAGE_FAILED : 0;
    } finally {
      spark.stop();
    }
  }

  private Campaign run(SparkSession spark, CampaignRequest request, Tally tally) {
    RunScope scope =
        new RunScope(retry, limit == null ? Long.MAX_VALUE : limit, campaign.allowChanges);
    try (RunTrace recorded =
        trace == null
            ? RunTrace.off()
            : new RunTrace(spark.sparkContext(), BenchCommand.traceFile(trace))) {
      return new CampaignRun(spark, request, tally, recorded, scope).run();
    }
  }
}

package org.starmill.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.starmill.campaign.Refused;
import org.starmill.campaign.SparkSessions;
import org.starmill.publish.Publication;
import org.starmill.publish.PublishRequest;
import org.starmill.publish.PublishSummary;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes one catalog of campaigns, or adds to it what is new of them. */
@Command(
    name = "publish",
    mixinStandardHelpOptions = true,
    description = {
      "Makes one catalog of one or more campaigns: sorted by HEALPix, in the HATS layout.",
      "Given again, with further campaigns or grown ones, it adds what is new and writes only the"
          + " pixels anew that are touched."
    },
    footer = {
      "",
      "Example:",
      "  starmill publish --input /data/catalog1 /data/catalog2 --output /data/stars",
      "",
      "The stars are in OUTPUT/dataset/**/*.parquet. Campaigns that were published before need not",
      "be named again. A publish that was killed is finished by the next one."
    })
final class PublishCommand implements Callable<Integer> {
  @Option(
      names = {"-i", "--input"},
      required = true,
      arity = "1..*",
      paramLabel = "DIR",
      description = "Folders of campaigns: the --output of 'starmill run'.")
  List<String> inputs = new ArrayList<>();

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "Folder of the catalog: new, empty, or that of a catalog to add to.")
  String output;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "Name of the catalog; without it, the name of the output folder.")
  String name;

  @Option(
      names = "--max-rows",
      paramLabel = "N",
      description = "A pixel with more rows is cut in four; 1000000 without this option.")
  Long maxRows;

  @Option(
      names = "--max-order",
      paramLabel = "K",
      description =
          "Order of the smallest pixels, which are cut no more: 0 to 13; 10 without this option.")
  Integer maxOrder;

  @Option(names = "--json", description = "Print what was done as JSON.")
  boolean json;

  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    if (maxRows != null && maxRows < 1) {
      throw new Refused("--max-rows %d: expected 1 or more; give so many".formatted(maxRows));
    }
    if (maxOrder != null && (maxOrder < 0 || maxOrder > PublishRequest.HIGHEST_MAX_ORDER)) {
      throw new Refused(
          "--max-order %d: expected 0 to %d; give one of them"
              .formatted(maxOrder, PublishRequest.HIGHEST_MAX_ORDER));
    }
    if (name != null && !name.matches("[A-Za-z0-9_.-]+")) {
      throw new Refused(
          "--name '%s': expected letters, digits and _ . - alone, as HATS has one word; give such a name"
              .formatted(name));
    }
    var spark = SparkSessions.open();
    try {
      PublishSummary summary =
          new Publication(
                  spark,
                  new PublishRequest(inputs, output, name, maxRows, maxOrder),
                  step -> spec.commandLine().getErr().println("publish: " + step))
              .run();
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(Json.of(summary));
      } else {
        out.print(text(summary));
      }
      out.flush();
      return 0;
    } finally {
      spec.commandLine().getErr().flush();
      spark.stop();
    }
  }

  private static String text(PublishSummary summary) {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "campaign", "new batches", "before", "replaced", "images", "stars", "left out"
        });
    for (PublishSummary.Part part : summary.campaigns()) {
      rows.add(
          new String[] {
            part.campaign(),
            number(part.batches()),
            number(part.batchesBefore()),
            number(part.batchesReplaced()),
            number(part.images()),
            number(part.rows()),
            number(part.withoutPosition())
          });
    }
    StringBuilder text = new StringBuilder(Tables.columns(rows));
    for (PublishSummary.Part part : summary.campaigns()) {
      if (part.withoutPosition() > 0) {
        text.append(
            "%s: %s stars have no position on the sky (no WCS) and are left out%n"
                .formatted(part.campaign(), number(part.withoutPosition())));
      }
    }
    if (summary.finishedEarlier()) {
      text.append("an earlier publish that was stopped has been finished first%n".formatted());
    }
    if (summary.largestPixel() > summary.maxRows()) {
      text.append(
          "the fullest pixel has %s rows, more than %s: pixels of order %d are cut no more%n"
              .formatted(
                  number(summary.largestPixel()), number(summary.maxRows()), summary.order()));
    }
    if (!summary.metadata()) {
      text.append(
          "dataset/_metadata is left out: too many files for one file of their footers%n"
              .formatted());
    }
    text.append(
        "catalog %s, publication %d: %s stars in %s pixels up to order %d; %s written, %s removed; %.1f s%n"
            .formatted(
                summary.name(),
                summary.publication(),
                number(summary.rows()),
                number(summary.pixels()),
                summary.order(),
                number(summary.pixelsWritten()),
                number(summary.pixelsRemoved()),
                summary.seconds()));
    text.append("%s%n".formatted(summary.output()));
    return text.toString();
  }

  private static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}

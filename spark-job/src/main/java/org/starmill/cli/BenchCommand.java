package org.starmill.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures Starmill itself: names what can be measured. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures Starmill itself on simulated frames.",
    synopsisSubcommandLabel = "WHAT",
    subcommands = AccuracyCommand.class,
    footer = {"", "Example:", "  starmill bench accuracy --stars 60000 --out accuracy"})
final class BenchCommand implements Runnable {
  @Spec CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "nothing named to measure: expected one of "
            + String.join(", ", spec.subcommands().keySet()));
  }
}

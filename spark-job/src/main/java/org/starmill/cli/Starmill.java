package org.starmill.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.starmill.campaign.CampaignStopped;
import org.starmill.campaign.Refused;
import org.starmill.campaign.SoftwareVersion;
import org.starmill.config.ConfigurationException;
import org.starmill.config.NearestWord;
import org.starmill.device.DeviceException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;

/**
 * The command line.
 *
 * <p>Reads the arguments and hands them to the command they name. Exit code 0: done; 1: internal
 * error, or stopped by a disk or store; 2: wrong usage or configuration, said in one line; 3: done,
 * but with {@code --strict} some image failed; 143: stopped by a signal. The help of every command
 * lists them.
 */
@Command(
    name = "starmill",
    description = "Raw CCD frames in, star catalogs out.",
    mixinStandardHelpOptions = true,
    versionProvider = Starmill.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DemoCommand.class,
      SimulateCommand.class,
      PlanCommand.class,
      RunCommand.class,
      StatusCommand.class,
      PublishCommand.class,
      ReduceCommand.class,
      DevicesCommand.class,
      BenchCommand.class
    },
    footer = {
      "",
      "Begin with:  starmill demo",
      "Then:        starmill run --input FRAMES --output CATALOG"
    })
public final class Starmill {
  static final int INTERNAL_ERROR = 1;
  static final int WRONG_USAGE = 2;
  static final int SOME_IMAGE_FAILED = 3;

  /** As a shell counts the end by SIGTERM. */
  private static final int STOPPED = 143;

  private Starmill() {}

  public static void main(String[] arguments) {
    String home = System.getenv("STARMILL_HOME");
    if (home != null && System.getProperty("starmill.home") == null) {
      System.setProperty("starmill.home", home);
    }
    int code = commandLine().execute(arguments);
    System.out.flush();
    System.err.flush();
    // Threads of Spark or of an OpenCL driver may still be there.
    System.exit(code);
  }

  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Starmill());
    line.setUsageHelpWidth(100);
    line.setUsageHelpAutoWidth(false);
    line.setAbbreviatedOptionsAllowed(false);
    // --input takes many values: a mistyped option behind it must not become one of them.
    line.setUnmatchedOptionsAllowedAsOptionParameters(false);
    // Every command answers --version, not only the first word, and says how it may end.
    listExitCodes(line);
    answerVersion(line);
    line.setParameterExceptionHandler(Starmill::wrongUsage);
    line.setExecutionExceptionHandler((failure, command, parsed) -> failed(failure, command));
    return line;
  }

  private static void answerVersion(CommandLine line) {
    for (CommandLine command : line.getSubcommands().values()) {
      command.getCommandSpec().versionProvider(new Version());
      listExitCodes(command);
      answerVersion(command);
    }
  }

  private static void listExitCodes(CommandLine command) {
    Map<String, String> codes = new LinkedHashMap<>();
    codes.put("0", "done; images that failed are named in the catalog");
    codes.put(
        "" + INTERNAL_ERROR, "internal error, or stopped by a full disk or a store that fails");
    codes.put("" + WRONG_USAGE, "wrong usage or configuration");
    codes.put("" + SOME_IMAGE_FAILED, "an image failed ('run --strict', 'reduce', 'bench')");
    codes.put("" + STOPPED, "stopped by a signal; 'run' goes on when it is given again");
    command
        .getCommandSpec()
        .usageMessage()
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(codes);
  }

  private static int wrongUsage(ParameterException wrong, String[] arguments) {
    CommandLine command = wrong.getCommandLine();
    // A mistyped option is why a required one is missing: it is what the user wants to hear of.
    List<String> unknown = command.getUnmatchedArguments();
    complain(
        command,
        unknown.isEmpty() ? oneLine(wrong.getMessage()) : unknown(command, unknown.get(0)));
    return WRONG_USAGE;
  }

  private static String unknown(CommandLine command, String word) {
    boolean option = word.startsWith("-");
    Set<String> known =
        option ? command.getCommandSpec().optionsMap().keySet() : command.getSubcommands().keySet();
    String name = word.contains("=") && option ? word.substring(0, word.indexOf('=')) : word;
    return (option ? "unknown option '%s'" : "unknown argument '%s'").formatted(name)
        + NearestWord.of(name, known).map("; did you mean '%s'?"::formatted).orElse("");
  }

  private static int failed(Exception failure, CommandLine command) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof Refused
          || cause instanceof ConfigurationException
          || cause instanceof DeviceException) {
        complain(command, oneLine(cause.getMessage()));
        return WRONG_USAGE;
      }
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CampaignStopped) {
        command.getErr().println("starmill: " + oneLine(cause.getMessage()));
        command.getErr().flush();
        return INTERNAL_ERROR;
      }
    }
    if (isStop(failure)) {
      command
          .getErr()
          .println("starmill: stopped before the end; the same command goes on where it stood");
      command.getErr().flush();
      return STOPPED;
    }
    PrintWriter errors = command.getErr();
    errors.println("starmill: internal error: " + failure);
    failure.printStackTrace(errors);
    errors.flush();
    return INTERNAL_ERROR;
  }

  /** Whether Spark was shut down under the work, as by a signal to this process. */
  static boolean isStop(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message = String.valueOf(cause.getMessage());
      if (message.contains("SparkContext was shut down")
          || message.contains("stopped SparkContext")) {
        return true;
      }
    }
    return false;
  }

  private static void complain(CommandLine command, String message) {
    String name = command.getCommandSpec().qualifiedName();
    command.getErr().printf("starmill: %s (see '%s --help')%n", message, name);
    command.getErr().flush();
  }

  private static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  /** Names the version of the software, of Java and of its maker. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "starmill " + SoftwareVersion.NAME,
        "Java "
            + System.getProperty("java.version")
            + " ("
            + System.getProperty("java.vendor")
            + ")"
      };
    }
  }
}

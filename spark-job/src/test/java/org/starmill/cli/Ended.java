package org.starmill.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** How a command ended: its exit code, and what it has printed on either stream. */
record Ended(int code, String out, String errors) {

  /** Executes a command in this JVM. */
  static Ended execute(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter errors = new StringWriter();
    CommandLine line = Starmill.commandLine();
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(errors));
    int code = line.execute(arguments);
    return new Ended(code, out.toString(), errors.toString());
  }
}

package org.starmill;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The codes that spark-job/README.md lists as all that an image's reason may begin with. */
public final class DocumentedReasons {
  private static final Pattern ROW =
      Pattern.compile(
          "^\\| (?:partial|failed|partial, failed) \\| `([^`]+)` \\|", Pattern.MULTILINE);

  public static final Set<String> CODES = read();

  private DocumentedReasons() {}

  private static Set<String> read() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("deploy/starmill"))) {
      folder = folder.getParent();
    }
    Set<String> codes = new TreeSet<>();
    try {
      Matcher row = ROW.matcher(Files.readString(folder.resolve("spark-job/README.md")));
      while (row.find()) {
        codes.add(row.group(1));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return codes;
  }
}

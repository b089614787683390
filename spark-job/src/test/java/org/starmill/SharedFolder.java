package org.starmill;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The optional folder shared/data of real frames, beside the checkout or above it. */
public final class SharedFolder {
  private SharedFolder() {}

  /** A file or folder of the test data; a test that asks for one that is absent is skipped. */
  public static Path data(String relative) {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path file = at.resolve("shared/data").resolve(relative);
      if (Files.exists(file)) {
        return file;
      }
    }
    return Assumptions.abort("the folder shared/data is absent");
  }
}

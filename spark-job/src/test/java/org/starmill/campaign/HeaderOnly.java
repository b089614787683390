package org.starmill.campaign;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tiny frames, all zero, of which the header matters only. */
final class HeaderOnly {
  private static final int BLOCK = 2880;

  private HeaderOnly() {}

  /** Writes a frame of 8 x 6 pixels. */
  static void write(Path file, String type, String night, String ccd, String filter) {
    StringBuilder header = new StringBuilder();
    card(header, "SIMPLE", "T");
    card(header, "BITPIX", "16");
    card(header, "NAXIS", "2");
    card(header, "NAXIS1", "8");
    card(header, "NAXIS2", "6");
    card(header, "IMAGETYP", "'" + type + "'");
    card(header, "DATE-OBS", "'" + night + "T20:00:00'");
    card(header, "EXPTIME", "30.0");
    card(header, "GAIN", "1.5");
    card(header, "CCD_ID", "'" + ccd + "'");
    if (filter != null) {
      card(header, "FILTER", "'" + filter + "'");
    }
    header.append(" ".repeat(80).replaceFirst("^   ", "END"));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(header.toString().getBytes(StandardCharsets.US_ASCII));
    while (bytes.size() < BLOCK) {
      bytes.write(' ');
    }
    bytes.writeBytes(new byte[BLOCK]);
    try {
      Files.createDirectories(file.getParent());
      Files.write(file, bytes.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void card(StringBuilder header, String keyword, String value) {
    header.append("%-80s".formatted("%-8s= %20s".formatted(keyword, value)));
  }
}

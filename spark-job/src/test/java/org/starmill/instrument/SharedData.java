package org.starmill.instrument;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import nom.tam.fits.Header;
import nom.tam.fits.HeaderCard;
import nom.tam.util.Cursor;
import nom.tam.util.FitsInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.starmill.SharedFolder;
import org.starmill.fits.FitsHeader;

/** Reads primary headers of the optional test data. */
final class SharedData {
  private SharedData() {}

  static FitsHeader primaryHeader(String relative) throws Exception {
    Path file = SharedFolder.data(relative);
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file))) {
      return header(Header.readHeader(new FitsInputStream(unpacked(relative, raw))));
    }
  }

  private static InputStream unpacked(String name, InputStream raw) throws IOException {
    if (name.endsWith(".bz2")) {
      return new BZip2CompressorInputStream(raw);
    }
    return name.endsWith(".gz") ? new GZIPInputStream(raw) : raw;
  }

  private static FitsHeader header(Header header) {
    Map<String, Object> values = new LinkedHashMap<>();
    Cursor<String, HeaderCard> cards = header.iterator();
    while (cards.hasNext()) {
      HeaderCard card = cards.next();
      if (!card.isKeyValuePair() || card.getValue() == null) {
        continue;
      }
      values.put(card.getKey(), card.isStringValue() ? card.getValue() : number(card.getValue()));
    }
    return new FitsHeader(values);
  }

  private static Object number(String text) {
    if (text.equals("T") || text.equals("F")) {
      return text.equals("T");
    }
    return text.matches("[+-]?\\d+") ? (Object) Long.valueOf(text) : Double.valueOf(text);
  }
}

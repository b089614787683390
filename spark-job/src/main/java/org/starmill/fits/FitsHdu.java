package org.starmill.fits;

import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.Map;

/** An extension to be written, an image or a table: its header and its data. */
public sealed interface FitsHdu permits FitsExtension, FitsTable {
  /** The keywords that describe the layout of the data, XTENSION first. */
  LinkedHashMap<String, Object> layout();

  /** Cards to add, in order; values are String, Number, Boolean or {@link FitsValue}. */
  Map<String, Object> keywords();

  /**
   * Writes the data without the filling of the last block.
   *
   * @return number of bytes written
   */
  long writeData(OutputStream out) throws IOException;
}

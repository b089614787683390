package org.starmill.campaign;

import java.io.Serializable;
import org.apache.spark.sql.Row;

/**
 * A master that an image is measured with.
 *
 * @param identity its name
 * @param path of its file; null where it could not be built
 */
record MasterRef(String identity, String path) implements Serializable {

  /** Of the columns of a kind, as {@code bias_id}; null where no frames make that master. */
  static MasterRef of(Row row, String kind) {
    String identity = row.getAs(kind + "_id");
    return identity == null ? null : new MasterRef(identity, row.getAs(kind + "_path"));
  }
}

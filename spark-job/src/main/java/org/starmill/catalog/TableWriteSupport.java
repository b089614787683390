package org.starmill.catalog;

import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;

/**
 * Hands rows to Parquet value by value, without an object a row or a value.
 *
 * @param <T> what a row is read from
 */
abstract class TableWriteSupport<T> extends WriteSupport<T> {
  private final CatalogTable table;
  private final int apertures;
  private final String[] names;
  private RecordConsumer consumer;

  TableWriteSupport(CatalogTable table, int apertures) {
    this.table = table;
    this.apertures = apertures;
    this.names = table.columns(apertures).stream().map(Column::name).toArray(String[]::new);
  }

  List<Column> columns() {
    return table.columns(apertures);
  }

  @Override
  public String getName() {
    return "starmill";
  }

  /** The older of two ways in, abstract still, so that it must be here. */
  @Override
  @SuppressWarnings("deprecation")
  public WriteContext init(Configuration configuration) {
    return new WriteContext(table.parquetSchema(apertures), table.footer(apertures));
  }

  @Override
  public WriteContext init(ParquetConfiguration configuration) {
    return new WriteContext(table.parquetSchema(apertures), table.footer(apertures));
  }

  @Override
  public void prepareForWrite(RecordConsumer recordConsumer) {
    consumer = recordConsumer;
  }

  @Override
  public FinalizedWriteContext finalizeWrite() {
    return new FinalizedWriteContext(Map.of());
  }

  @Override
  public void write(T row) {
    consumer.startMessage();
    writeColumns(row);
    consumer.endMessage();
  }

  /** Calls one of the methods below for each column, with its position. */
  abstract void writeColumns(T row);

  final void put(int column, long value) {
    consumer.startField(names[column], column);
    consumer.addLong(value);
    consumer.endField(names[column], column);
  }

  final void put(int column, int value) {
    consumer.startField(names[column], column);
    consumer.addInteger(value);
    consumer.endField(names[column], column);
  }

  /** A value that is there, NaN included. */
  final void putRequired(int column, float value) {
    consumer.startField(names[column], column);
    consumer.addFloat(value);
    consumer.endField(names[column], column);
  }

  /** NaN leaves the value out. */
  final void put(int column, float value) {
    if (!Float.isNaN(value)) {
      putRequired(column, value);
    }
  }

  /** NaN leaves the value out. */
  final void put(int column, double value) {
    if (!Double.isNaN(value)) {
      consumer.startField(names[column], column);
      consumer.addDouble(value);
      consumer.endField(names[column], column);
    }
  }

  /** null leaves the value out. */
  final void put(int column, String value) {
    if (value != null) {
      consumer.startField(names[column], column);
      consumer.addBinary(Binary.fromString(value));
      consumer.endField(names[column], column);
    }
  }

  /** null leaves the value out, NaN the element. */
  final void put(int column, double[] values) {
    if (values == null) {
      return;
    }
    consumer.startField(names[column], column);
    consumer.startGroup();
    if (values.length > 0) {
      consumer.startField("list", 0);
      for (double value : values) {
        consumer.startGroup();
        if (!Double.isNaN(value)) {
          consumer.startField("element", 0);
          consumer.addDouble(value);
          consumer.endField("element", 0);
        }
        consumer.endGroup();
      }
      consumer.endField("list", 0);
    }
    consumer.endGroup();
    consumer.endField(names[column], column);
  }
}

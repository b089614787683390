package org.starmill.bench;

import java.lang.reflect.RecordComponent;
import org.starmill.measure.Stars;

/** Catalogs of which only place and flux matter. */
final class BenchSamples {
  private BenchSamples() {}

  /** All other columns are zero, whatever columns there are. */
  static Stars stars(double[] x, double[] y, float[] flux, float[] fluxErr) {
    RecordComponent[] columns = Stars.class.getRecordComponents();
    Object[] values = new Object[columns.length];
    Class<?>[] types = new Class<?>[columns.length];
    for (int i = 0; i < columns.length; i++) {
      types[i] = columns[i].getType();
      values[i] =
          switch (columns[i].getName()) {
            case "x" -> x;
            case "y" -> y;
            case "flux" -> flux;
            case "fluxErr" -> fluxErr;
            default ->
                types[i].isArray()
                    ? java.lang.reflect.Array.newInstance(types[i].getComponentType(), x.length)
                    : null;
          };
    }
    try {
      return Stars.class.getDeclaredConstructor(types).newInstance(values);
    } catch (ReflectiveOperationException noSuchRecord) {
      throw new IllegalStateException("Stars is no record of arrays any more", noSuchRecord);
    }
  }
}

package org.starmill.measure;

/**
 * Refuses settings that make no sense.
 *
 * <p>A class of its own: the settings hold each other as defaults, and none can be asked while it
 * is being made.
 */
final class Demand {
  private Demand() {}

  /**
   * Demands that something holds of a value.
   *
   * @throws IllegalArgumentException that names the value and what was expected
   */
  static void that(boolean holds, String what, Object found, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s of %s: expected %s".formatted(what, found, expected));
    }
  }
}

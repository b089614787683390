package org.starmill.bench;

/** How much other stars disturb a star. */
enum Crowding {
  /** No neighbour above 1 % of its flux within 10 pixels. */
  ISOLATED,
  /** A neighbour above 10 % of its flux within 5 pixels. */
  CROWDED,
  /** Neither of both. */
  BETWEEN;

  static final double ISOLATED_SHARE = 0.01;
  static final double ISOLATED_DISTANCE = 10;
  static final double CROWDED_SHARE = 0.1;
  static final double CROWDED_DISTANCE = 5;
}

package org.starmill.sample;

/** What a stream of random numbers is for, so that no two parts of the camera share one. */
enum Purpose {
  SHAPE,
  COLUMNS,
  RESPONSE,
  DUST,
  BLEMISHES,
  DRIFT,
  READ_NOISE,
  PHOTONS,
  SKY,
  STARS,
  COSMIC_RAYS,
  LAMP,
  POINTING,
  TRAILS
}

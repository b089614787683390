package org.starmill.bench;

/**
 * A star of the simulated sky, and what was measured in its place.
 *
 * @param x column of the centre, pixels
 * @param y row of the centre
 * @param mag true magnitude
 * @param flux electrons
 * @param bound of the flux where the star is alone, electrons
 * @param jointBound of the flux where its neighbours are fitted too; NaN for the faintest
 * @param positionBound of x and y together with neighbours: root of the mean variance, pixels
 * @param crowding by true neighbours
 * @param saturated whether a pixel near its centre is full
 * @param saturating whether its own light alone fills the pixel
 * @param nearBadPixel whether a bad pixel lies within two pixels of its centre
 * @param measured what was measured; null where the star was not found
 */
record TrueStar(
    double x,
    double y,
    double mag,
    double flux,
    double bound,
    double jointBound,
    double positionBound,
    Crowding crowding,
    boolean saturated,
    boolean saturating,
    boolean nearBadPixel,
    Detection measured) {

  /** The same star, measured otherwise. */
  TrueStar with(Detection other) {
    return new TrueStar(
        x,
        y,
        mag,
        flux,
        bound,
        jointBound,
        positionBound,
        crowding,
        saturated,
        saturating,
        nearBadPixel,
        other);
  }

  boolean isFound() {
    return measured != null;
  }

  /** Signal-to-noise ratio at best, alone. */
  double significance() {
    return flux / bound;
  }

  /** (flux - truth) / flux_err. */
  double pull() {
    return (measured.flux() - flux) / measured.fluxErr();
  }

  /** (flux - truth) / truth. */
  double fluxResidual() {
    return measured.flux() / flux - 1;
  }

  /** The error of the position along each axis, root of the mean square, over its bound. */
  double positionError() {
    return Math.hypot(measured.x() - x, measured.y() - y) / (Math.sqrt(2) * positionBound);
  }
}

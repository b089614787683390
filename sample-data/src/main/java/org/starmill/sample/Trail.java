package org.starmill.sample;

/**
 * A satellite's straight trail on a science frame.
 *
 * @param fromX column where it begins, pixels; it may lie outside the frame
 * @param fromY row where it begins
 * @param toX column where it ends
 * @param toY row where it ends
 * @param perPixel electrons for each pixel of its length, at response 1
 */
public record Trail(double fromX, double fromY, double toX, double toY, double perPixel) {

  /** Pixels between its ends. */
  public double length() {
    return Math.hypot(toX - fromX, toY - fromY);
  }

  /** Distance of a place from the nearest point of the trail, pixels. */
  public double distance(double x, double y) {
    double dx = toX - fromX;
    double dy = toY - fromY;
    double along = ((x - fromX) * dx + (y - fromY) * dy) / (dx * dx + dy * dy);
    double t = Math.max(0, Math.min(1, along));
    return Math.hypot(x - fromX - t * dx, y - fromY - t * dy);
  }
}

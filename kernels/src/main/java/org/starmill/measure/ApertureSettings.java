package org.starmill.measure;

import java.util.List;

/**
 * The apertures that every star is measured in.
 *
 * @param radii pixels, growing, 0.5 to 50, at most 16; empty for no apertures
 * @param skyInner inner radius of the ring of local sky, pixels, not below the largest aperture's
 * @param skyOuter its outer radius, pixels, at least two more than the inner one, at most 100
 */
public record ApertureSettings(List<Double> radii, double skyInner, double skyOuter)
    implements java.io.Serializable {
  /** Least and largest radius of an aperture, pixels. */
  public static final double LEAST_RADIUS = 0.5;

  public static final double LARGEST_RADIUS = 50;

  /** Most apertures of a star. */
  public static final int MOST = 16;

  /** Least width of the ring of local sky, and its largest outer radius, pixels. */
  public static final double LEAST_RING = 2;

  public static final double LARGEST_RING = 100;

  /**
   * Diameters of 2, 3, 4, 6, 10 and 14 pixels, those of the Zwicky Transient Facility's own Source
   * Extractor catalogs; a ring of 393 pixels, whose sky adds a sixth to the error of a faint star
   * in the largest aperture, a tenth in the next and little in the others.
   */
  public static final ApertureSettings DEFAULT =
      new ApertureSettings(List.of(1.0, 1.5, 2.0, 3.0, 5.0, 7.0), 10, 15);

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException that names the first one out of its range
   */
  public ApertureSettings {
    radii = List.copyOf(radii);
    Demand.that(radii.size() <= MOST, "number of apertures", radii.size(), "at most " + MOST);
    double last = 0;
    for (double radius : radii) {
      Demand.that(
          radius >= LEAST_RADIUS && radius <= LARGEST_RADIUS && radius > last,
          "aperture radius",
          radius,
          "growing ones of 0.5 to 50 pixels");
      last = radius;
    }
    Demand.that(
        skyInner >= last && skyInner <= LARGEST_RING - LEAST_RING,
        "inner radius of the local sky",
        skyInner,
        "at least the largest aperture's, " + last + ", and at most 98 pixels");
    Demand.that(
        skyOuter >= skyInner + LEAST_RING && skyOuter <= LARGEST_RING,
        "outer radius of the local sky",
        skyOuter,
        "at least 2 more than the inner one and at most 100 pixels");
  }
}

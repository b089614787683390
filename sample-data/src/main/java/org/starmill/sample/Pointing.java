package org.starmill.sample;

/**
 * The way from pixels to the sky of one frame: a gnomonic projection with cubic distortion.
 *
 * <p>The convention is TPV: the CD matrix gives intermediate coordinates in degrees, the
 * polynomials PV1 and PV2 bend them, and the tangent plane is projected onto the sphere (Calabretta
 * &amp; Greisen 2002, A&amp;A 395, 1077, section 5.1.3; the registered FITS convention TPV for the
 * polynomials). About 1.5 pixels of distortion at the corners of 3072 x 3080 pixels.
 */
final class Pointing {
  private static final double DISTORTION = 1.9e-3;
  private static final double COMA = 1.5e-4;

  private final double ra;
  private final double dec;
  private final double middleX;
  private final double middleY;
  private final double[] cd;

  /**
   * @param ra right ascension of the middle pixel, degrees
   * @param dec declination of the middle pixel, degrees
   * @param middleX its column
   * @param middleY its row
   * @param scale degrees a pixel
   * @param rotation of the camera, degrees
   */
  private Pointing(
      double ra, double dec, double middleX, double middleY, double scale, double rotation) {
    this.ra = ra;
    this.dec = dec;
    this.middleX = middleX;
    this.middleY = middleY;
    double cos = scale * Math.cos(Math.toRadians(rotation));
    double sin = scale * Math.sin(Math.toRadians(rotation));
    // East is left when north is up: the first axis runs against right ascension.
    cd = new double[] {-cos, sin, sin, cos};
  }

  /**
   * Where the camera looks in a science frame.
   *
   * @param quadrant 0 for a camera of one amplifier, else 1 to 4: upper right, upper left, lower
   *     left, lower right
   */
  static Pointing of(CameraSettings settings, long index, int quadrant) {
    Dice dice = new Dice(settings.seed(), Purpose.POINTING.ordinal(), index);
    double ra = dice.uniform(0, 360);
    double dec = Math.toDegrees(Math.asin(dice.uniform(-0.4, 0.9)));
    double rotation = 0.4 * dice.normal();
    double scale = settings.pixelScale() / 3600;
    double middleX = 0.5 * (settings.chip().width() - 1);
    double middleY = 0.5 * (settings.chip().height() - 1);
    Pointing telescope = new Pointing(ra, dec, middleX, middleY, scale, rotation);
    if (quadrant == 0) {
      return telescope;
    }
    boolean right = quadrant == 1 || quadrant == 4;
    boolean upper = quadrant <= 2;
    double[] middle =
        telescope.sky(
            middleX + (right ? 0.5 : -0.5) * (settings.chip().width() + 30),
            middleY + (upper ? 0.5 : -0.5) * (settings.chip().height() + 30));
    return new Pointing(middle[0], middle[1], middleX, middleY, scale, rotation);
  }

  /** Right ascension and declination of a position, degrees; x and y count from 0. */
  double[] sky(double x, double y) {
    double dx = x - middleX;
    double dy = y - middleY;
    double u = cd[0] * dx + cd[1] * dy;
    double v = cd[2] * dx + cd[3] * dy;
    double r2 = u * u + v * v;
    double xi = u + COMA * u * v + DISTORTION * u * r2;
    double eta = v + COMA * v * v + DISTORTION * v * r2;

    double a = Math.toRadians(xi);
    double d = Math.toRadians(eta);
    double sin = Math.sin(Math.toRadians(dec));
    double cos = Math.cos(Math.toRadians(dec));
    double below = cos - d * sin;
    double east = Math.toDegrees(Math.atan2(a, below));
    double declination = Math.toDegrees(Math.atan2(sin + d * cos, Math.hypot(a, below)));
    double ascension = (ra + east) % 360;
    return new double[] {ascension < 0 ? ascension + 360 : ascension, declination};
  }

  /** The keywords of this projection, in the order of a header; pixels count from 1 there. */
  java.util.Map<String, Object> keywords() {
    java.util.Map<String, Object> cards = new java.util.LinkedHashMap<>();
    cards.put("CTYPE1", "RA---TPV");
    cards.put("CTYPE2", "DEC--TPV");
    cards.put("CUNIT1", "deg");
    cards.put("CUNIT2", "deg");
    cards.put("RADESYS", "ICRS");
    cards.put("EQUINOX", 2000.0);
    cards.put("CRVAL1", ra);
    cards.put("CRVAL2", dec);
    cards.put("CRPIX1", middleX + 1);
    cards.put("CRPIX2", middleY + 1);
    cards.put("CD1_1", cd[0]);
    cards.put("CD1_2", cd[1]);
    cards.put("CD2_1", cd[2]);
    cards.put("CD2_2", cd[3]);
    // In PV2 the roles of the axes are exchanged: PV2_4 is of v^2, PV2_7 of v^3, PV2_9 of v u^2.
    cards.put("PV1_0", 0.0);
    cards.put("PV1_1", 1.0);
    cards.put("PV1_2", 0.0);
    cards.put("PV1_5", COMA);
    cards.put("PV1_7", DISTORTION);
    cards.put("PV1_9", DISTORTION);
    cards.put("PV2_0", 0.0);
    cards.put("PV2_1", 1.0);
    cards.put("PV2_2", 0.0);
    cards.put("PV2_4", COMA);
    cards.put("PV2_7", DISTORTION);
    cards.put("PV2_9", DISTORTION);
    return cards;
  }
}

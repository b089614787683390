package org.starmill.wcs;

import java.util.Locale;
import java.util.OptionalDouble;
import org.starmill.fits.FitsHeader;

/**
 * The celestial coordinates of an image: from pixels to right ascension and declination and back.
 *
 * <p>A pixel goes through the SIP distortion, the linear matrix, the TPV distortion, the projection
 * and a rotation of the sphere; the way back undoes the distortions by Newton's method with their
 * analytic derivatives. Understood are the projections TAN, TAN-SIP, TPV (also under the name TAN
 * with PVi_m, as SCAMP writes it) and ZPN; the matrix as CDi_j, PCi_j with CDELTi, or CDELTi with
 * CROTAi; either order of the axes (TPV: right ascension first).
 *
 * <p>Pixel coordinates count from zero at the centre of the first pixel; angles are in degrees. The
 * coordinates are those of the header's RADESYS: ICRS, or FK5 of equinox 2000, which is taken as
 * ICRS (they differ by less than 0.03 arcsec). Other systems are refused. Immutable.
 *
 * <p>Greisen and Calabretta 2002, A&amp;A 395, 1061 (matrix); Calabretta and Greisen 2002, A&amp;A
 * 395, 1077 (projections, poles); Shupe et al. 2005, ASP Conf. Ser. 347, 491 (SIP); the TPV
 * convention of the registry of FITS conventions.
 */
public final class Wcs {
  private static final double DEGREE = Math.PI / 180;
  private static final int LARGEST_SIP_ORDER = 9;
  private static final int TPV_TERMS = 40;
  private static final int LARGEST_ZPN_TERM = 20;

  /** Length of Newton's last step: in pixels, and as a share of a pixel for the plane. */
  private static final double TOLERANCE = 1e-9;

  private final double referenceX;
  private final double referenceY;
  private final double[][] matrix;
  private final double[][] inverse;
  private final boolean declinationFirst;
  private final PlaneDistortion sip;
  private final PlaneDistortion sipInverseGuess;
  private final PlaneDistortion tpv;
  private final Projection projection;
  private final double poleRa;
  private final double sinPole;
  private final double cosPole;
  private final double sinLongitude;
  private final double cosLongitude;

  private Wcs(Wcs other, double referenceX, double referenceY) {
    this.referenceX = referenceX;
    this.referenceY = referenceY;
    this.matrix = other.matrix;
    this.inverse = other.inverse;
    this.declinationFirst = other.declinationFirst;
    this.sip = other.sip;
    this.sipInverseGuess = other.sipInverseGuess;
    this.tpv = other.tpv;
    this.projection = other.projection;
    this.poleRa = other.poleRa;
    this.sinPole = other.sinPole;
    this.cosPole = other.cosPole;
    this.sinLongitude = other.sinLongitude;
    this.cosLongitude = other.cosLongitude;
  }

  private Wcs(FitsHeader header) {
    String first = type(header, 1);
    String second = type(header, 2);
    this.declinationFirst = first.startsWith("DEC-");
    String ra = declinationFirst ? second : first;
    String dec = declinationFirst ? first : second;
    if (!ra.startsWith("RA--") || !dec.startsWith("DEC-")) {
      throw new WcsException(
          "CTYPE1, CTYPE2: found \"%s\", \"%s\", expected right ascension (RA---) and declination (DEC--)"
              .formatted(first, second));
    }
    String code = code(ra);
    if (!code.equals(code(dec))) {
      throw new WcsException(
          "CTYPE1, CTYPE2: found \"%s\", \"%s\", expected the same projection on both axes"
              .formatted(first, second));
    }
    checkSystem(header);
    int raAxis = declinationFirst ? 2 : 1;
    int decAxis = 3 - raAxis;

    boolean scamp = code.equals("TAN") && isScamp(header, raAxis, decAxis);
    boolean isTpv = code.equals("TPV") || scamp;
    if (isTpv && declinationFirst) {
      throw new WcsException(
          "CTYPE1: found \"%s\" with TPV terms, expected right ascension on the first axis"
              .formatted(first));
    }
    this.tpv = isTpv ? tpv(header) : null;
    this.projection =
        switch (code) {
          case "TAN", "TAN-SIP", "TPV" -> new Projection.Tangent();
          case "ZPN" -> new Projection.ZenithalPolynomial(zpn(header, decAxis));
          default ->
              throw new WcsException(
                  "CTYPE%d: found the projection \"%s\", expected TAN, TAN-SIP, TPV or ZPN"
                      .formatted(raAxis, code));
        };
    // SIP without the suffix in CTYPE is common and meant; beside TPV it is a second description.
    boolean isSip = code.startsWith("TAN") && !isTpv;
    this.sip = isSip ? sip(header, "A", "B", true) : null;
    this.sipInverseGuess = sip == null ? null : sip(header, "AP", "BP", false);

    this.matrix = matrix(header, raAxis, decAxis);
    double determinant = matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0];
    if (determinant == 0 || !Double.isFinite(1 / determinant)) {
      throw new WcsException(
          "CDi_j: found the singular matrix (%s, %s; %s, %s), expected one that can be inverted"
              .formatted(matrix[0][0], matrix[0][1], matrix[1][0], matrix[1][1]));
    }
    this.inverse =
        new double[][] {
          {matrix[1][1] / determinant, -matrix[0][1] / determinant},
          {-matrix[1][0] / determinant, matrix[0][0] / determinant}
        };
    this.referenceX = required(header, "CRPIX1") - 1;
    this.referenceY = required(header, "CRPIX2") - 1;
    this.poleRa = required(header, "CRVAL" + raAxis);
    double declination = required(header, "CRVAL" + decAxis);
    if (Math.abs(declination) > 90) {
      throw new WcsException(
          "CRVAL%d: found a declination of %s, expected -90 to 90".formatted(decAxis, declination));
    }
    this.sinPole = Math.sin(declination * DEGREE);
    this.cosPole = declination == 90 || declination == -90 ? 0 : Math.cos(declination * DEGREE);
    double otherwise =
        number(header, "PV%d_3".formatted(raAxis)).orElse(declination == 90 ? 0 : 180);
    double longitude =
        number(header, "LONPOLE").orElse(isTpv ? (declination == 90 ? 0 : 180) : otherwise);
    this.sinLongitude = longitude == 180 || longitude == 0 ? 0 : Math.sin(longitude * DEGREE);
    this.cosLongitude = Math.cos(longitude * DEGREE);
  }

  /**
   * Reads the coordinate system of an image's header.
   *
   * @throws WcsException if there is none or it is of a kind that is not understood
   */
  public static Wcs of(FitsHeader header) {
    return new Wcs(header);
  }

  /** The system of a section of the image whose first pixel is (x0, y0) of this one. */
  public Wcs shifted(int x0, int y0) {
    return new Wcs(this, referenceX - x0, referenceY - y0);
  }

  /** Side of a pixel at the reference point in degrees: the square root of its area. */
  public double pixelScale() {
    return Math.sqrt(Math.abs(matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]));
  }

  /**
   * Turns pixels into sky positions.
   *
   * @param x columns, from zero at the centre of the first pixel
   * @param y rows
   * @param ra out: degrees in [0, 360); NaN where the projection has no such point
   * @param dec out: degrees
   */
  public void pixelToSky(double[] x, double[] y, double[] ra, double[] dec) {
    checkLengths(x, y, ra, dec);
    double[] point = new double[3];
    for (int i = 0; i < x.length; i++) {
      double u = x[i] - referenceX;
      double v = y[i] - referenceY;
      if (sip != null) {
        sip.apply(u, v, point);
        u = point[0];
        v = point[1];
      }
      double first = matrix[0][0] * u + matrix[0][1] * v;
      double second = matrix[1][0] * u + matrix[1][1] * v;
      double planeX = declinationFirst ? second : first;
      double planeY = declinationFirst ? first : second;
      if (tpv != null) {
        tpv.apply(planeX, planeY, point);
        planeX = point[0];
        planeY = point[1];
      }
      projection.toSphere(planeX, planeY, point);
      double along = point[0] * cosLongitude + point[1] * sinLongitude;
      double across = point[1] * cosLongitude - point[0] * sinLongitude;
      double a = point[2] * cosPole - along * sinPole;
      double c = point[2] * sinPole + along * cosPole;
      double degrees = (poleRa + Math.atan2(-across, a) / DEGREE) % 360;
      degrees = degrees < 0 ? degrees + 360 : degrees;
      ra[i] = degrees >= 360 ? 0 : degrees; // a tiny negative angle rounds to 360
      dec[i] = Math.atan2(c, Math.hypot(a, across)) / DEGREE;
    }
  }

  /**
   * Turns sky positions into pixels.
   *
   * @param ra degrees
   * @param dec degrees
   * @param x out: columns, from zero at the centre of the first pixel; NaN where the position is
   *     not in the projection or the distortion cannot be undone there
   * @param y out: rows
   */
  public void skyToPixel(double[] ra, double[] dec, double[] x, double[] y) {
    checkLengths(ra, dec, x, y);
    double[] point = new double[2];
    double planeTolerance = TOLERANCE * pixelScale();
    for (int i = 0; i < ra.length; i++) {
      double angle = (ra[i] - poleRa) * DEGREE;
      double cosDec = Math.cos(dec[i] * DEGREE);
      double a = cosDec * Math.cos(angle);
      double b = cosDec * Math.sin(angle);
      double c = Math.sin(dec[i] * DEGREE);
      double nz = c * sinPole + a * cosPole;
      double along = c * cosPole - a * sinPole;
      double nx = along * cosLongitude + b * sinLongitude;
      double ny = along * sinLongitude - b * cosLongitude;
      projection.toPlane(nx, ny, nz, point);
      if (tpv != null) {
        tpv.invert(point[0], point[1], point, planeTolerance);
      }
      double first = declinationFirst ? point[1] : point[0];
      double second = declinationFirst ? point[0] : point[1];
      double u = inverse[0][0] * first + inverse[0][1] * second;
      double v = inverse[1][0] * first + inverse[1][1] * second;
      if (sip != null) {
        if (sipInverseGuess != null) {
          sipInverseGuess.apply(u, v, point);
        } else {
          point[0] = u;
          point[1] = v;
        }
        sip.invert(u, v, point, TOLERANCE);
        u = point[0];
        v = point[1];
      }
      x[i] = u + referenceX;
      y[i] = v + referenceY;
    }
  }

  private static void checkLengths(double[] a, double[] b, double[] c, double[] d) {
    if (b.length != a.length || c.length < a.length || d.length < a.length) {
      throw new IllegalArgumentException(
          "found arrays of %d, %d, %d and %d values, expected one length"
              .formatted(a.length, b.length, c.length, d.length));
    }
  }

  private static String type(FitsHeader header, int axis) {
    return header
        .text("CTYPE" + axis)
        .orElseThrow(
            () ->
                new WcsException(
                    "CTYPE%d: found none, expected RA---TAN or another celestial axis"
                        .formatted(axis)))
        .toUpperCase(Locale.ROOT);
  }

  private static String code(String type) {
    return type.length() > 5 ? type.substring(5).strip() : "";
  }

  private static OptionalDouble number(FitsHeader header, String key) {
    if (!header.has(key)) {
      return OptionalDouble.empty();
    }
    OptionalDouble value = header.number(key);
    if (value.isEmpty() || !Double.isFinite(value.getAsDouble())) {
      throw new WcsException(
          "%s: found \"%s\", expected a number".formatted(key, header.text(key).orElse("")));
    }
    return value;
  }

  private static double required(FitsHeader header, String key) {
    return number(header, key)
        .orElseThrow(() -> new WcsException("%s: found none, expected a number".formatted(key)));
  }

  private static void checkSystem(FitsHeader header) {
    for (int axis = 1; axis <= 2; axis++) {
      String unit = header.text("CUNIT" + axis).orElse("deg").toLowerCase(Locale.ROOT);
      if (!unit.isEmpty() && !unit.startsWith("deg")) {
        throw new WcsException("CUNIT%d: found \"%s\", expected deg".formatted(axis, unit));
      }
    }
    String key = header.has("RADESYS") ? "RADESYS" : "RADECSYS";
    String system = header.text(key).orElse("").toUpperCase(Locale.ROOT);
    if (system.equals("ICRS")) {
      return;
    }
    if (!system.isEmpty() && !system.equals("FK5")) {
      throw new WcsException("%s: found \"%s\", expected ICRS or FK5".formatted(key, system));
    }
    double equinox = number(header, "EQUINOX").orElse(2000);
    if (equinox != 2000) {
      throw new WcsException(
          "EQUINOX: found %s, expected 2000 (or RADESYS = ICRS)".formatted(equinox));
    }
  }

  private static double[][] matrix(FitsHeader header, int raAxis, int decAxis) {
    double[][] matrix = new double[2][2];
    boolean cd = false;
    boolean pc = false;
    for (int i = 1; i <= 2; i++) {
      for (int j = 1; j <= 2; j++) {
        cd |= header.has("CD%d_%d".formatted(i, j));
        pc |= header.has("PC%d_%d".formatted(i, j));
      }
    }
    if (!cd && !pc && !header.has("CDELT1") && !header.has("CDELT2")) {
      throw new WcsException("CD1_1: found neither CDi_j, PCi_j nor CDELTi, expected a scale");
    }
    double rotation = cd || pc ? 0 : number(header, "CROTA" + decAxis).orElse(0) * DEGREE;
    for (int i = 1; i <= 2; i++) {
      double scale = cd ? 1 : number(header, "CDELT" + i).orElse(1);
      for (int j = 1; j <= 2; j++) {
        double value;
        if (cd) {
          value = number(header, "CD%d_%d".formatted(i, j)).orElse(0);
        } else if (pc) {
          value = scale * number(header, "PC%d_%d".formatted(i, j)).orElse(i == j ? 1 : 0);
        } else if (i == j) {
          value = scale * Math.cos(rotation);
        } else {
          // Greisen and Calabretta 2002, equations 187 to 190: CROTA turns towards the pole.
          double along = number(header, "CDELT" + j).orElse(1);
          value = (i == raAxis ? -1 : 1) * along * Math.sin(rotation);
        }
        matrix[i - 1][j - 1] = value;
      }
    }
    return matrix;
  }

  private static PlaneDistortion sip(
      FitsHeader header, String first, String second, boolean addsToPixel) {
    boolean hasFirst = header.has(first + "_ORDER");
    boolean hasSecond = header.has(second + "_ORDER");
    if (!hasFirst && !hasSecond || !addsToPixel && hasFirst != hasSecond) {
      return null;
    }
    if (hasFirst != hasSecond) {
      throw new WcsException(
          "%s_ORDER: found none beside %s_ORDER, expected both"
              .formatted(hasFirst ? second : first, hasFirst ? first : second));
    }
    double[][] a = sipTerms(header, first);
    double[][] b = sipTerms(header, second);
    a[1][0] += 1;
    b[0][1] += 1;
    return new PlaneDistortion(new PlanePolynomial(a), new PlanePolynomial(b));
  }

  private static double[][] sipTerms(FitsHeader header, String axis) {
    double order = required(header, axis + "_ORDER");
    if (order != Math.rint(order) || order < 0 || order > LARGEST_SIP_ORDER) {
      throw new WcsException(
          "%s_ORDER: found %s, expected 0 to %d".formatted(axis, order, LARGEST_SIP_ORDER));
    }
    int size = Math.max(2, (int) order + 1);
    double[][] terms = new double[size][];
    for (int i = 0; i < size; i++) {
      terms[i] = new double[size - i];
      for (int j = 0; j < size - i && i + j <= order; j++) {
        terms[i][j] = number(header, "%s_%d_%d".formatted(axis, i, j)).orElse(0);
      }
    }
    return terms;
  }

  /**
   * Whether PVi_m of a TAN projection are a distortion as SCAMP writes it. By the standard, TAN has
   * none on the axis of declination, and on that of right ascension 1 to 4 say where the pole is.
   */
  private static boolean isScamp(FitsHeader header, int raAxis, int decAxis) {
    boolean any = header.has("PV%d_0".formatted(raAxis));
    for (int m = 0; m < TPV_TERMS; m++) {
      any |= header.has("PV%d_%d".formatted(decAxis, m));
      any |= m > 4 && header.has("PV%d_%d".formatted(raAxis, m));
    }
    if (!any) {
      for (int m = 1; m <= 2; m++) {
        String key = "PV%d_%d".formatted(raAxis, m);
        double expected = m == 1 ? 0 : 90;
        double found = number(header, key).orElse(expected);
        if (found != expected) {
          throw new WcsException("%s: found %s, expected %s".formatted(key, found, expected));
        }
      }
    }
    return any;
  }

  private static PlaneDistortion tpv(FitsHeader header) {
    PlanePolynomial[] axes = new PlanePolynomial[2];
    for (int axis = 1; axis <= 2; axis++) {
      double[][] powers = new double[8][8];
      double[] radial = new double[4];
      int m = 0;
      for (int degree = 0; degree <= 7; degree++) {
        for (int j = 0; j <= degree; j++, m++) {
          double value = number(header, "PV%d_%d".formatted(axis, m)).orElse(m == 1 ? 1 : 0);
          int own = degree - j; // power of the axis' own coordinate; the other one has j
          if (axis == 1) {
            powers[own][j] = value;
          } else {
            powers[j][own] = value;
          }
        }
        if (degree % 2 == 1) {
          radial[degree / 2] = number(header, "PV%d_%d".formatted(axis, m++)).orElse(0);
        }
      }
      axes[axis - 1] = new PlanePolynomial(powers, radial);
    }
    return new PlaneDistortion(axes[0], axes[1]);
  }

  private static double[] zpn(FitsHeader header, int decAxis) {
    double[] terms = new double[LARGEST_ZPN_TERM + 1];
    boolean any = false;
    for (int m = 0; m <= LARGEST_ZPN_TERM; m++) {
      OptionalDouble value = number(header, "PV%d_%d".formatted(decAxis, m));
      any |= value.isPresent();
      terms[m] = value.orElse(0);
    }
    if (!any) {
      throw new WcsException(
          "PV%d_1: found none of PV%d_m, expected the terms of the ZPN projection"
              .formatted(decAxis, decAxis));
    }
    return terms;
  }
}

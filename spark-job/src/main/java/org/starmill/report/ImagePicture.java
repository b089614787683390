package org.starmill.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.starmill.image.PixelFlag;
import org.starmill.measure.StarFlag;

/**
 * A picture of one image: calibrated with its stars marked, and beside it what is left without
 * them.
 *
 * <p>Both panels show the same pixels, the first row at the bottom as FITS has it: the whole image
 * where its stars can be told apart, else a part at its centre. The left one is stretched by the
 * inverse hyperbolic sine from -2 to 30 standard deviations of the sky, the right one linearly over
 * 5 either way: a good fit leaves nothing there but noise.
 *
 * @param width columns of the image
 * @param height rows
 * @param science electrons, row-major
 * @param sky electrons, taken off {@code science} for the picture
 * @param residual electrons: what is left without sky and stars
 * @param skyNoise electrons, standard deviation of a pixel of sky
 * @param x columns of the stars, 0 at the centre of the first pixel
 * @param y rows of the stars
 * @param flags of the stars: bits of {@link PixelFlag} and {@link StarFlag}
 * @param title stands above: the file's name
 * @param caption stands below, a line an entry: number of stars, FWHM
 */
public record ImagePicture(
    int width,
    int height,
    float[] science,
    float[] sky,
    float[] residual,
    double skyNoise,
    double[] x,
    double[] y,
    int[] flags,
    String title,
    List<String> caption) {

  private static final int PANEL = 760;
  private static final int MARGIN = 24;
  private static final int GAP = 16;
  private static final int LINE = 22;
  private static final int MOST_STARS_MARKED = 600;
  private static final double SMALLEST_SCALE = 0.45;

  private static final double LOWEST = -2;
  private static final double HIGHEST = 30;
  private static final double RESIDUAL_RANGE = 5;
  private static final double SOFTENING = 6;

  private static final int PIXEL_TROUBLE =
      PixelFlag.UNUSABLE | StarFlag.OUTSIDE_FRAME | StarFlag.PSF_EXTRAPOLATED;
  private static final int FIT_TROUBLE =
      StarFlag.NOT_CONVERGED
          | StarFlag.AT_BOUND
          | StarFlag.NEGATIVE_FLUX
          | StarFlag.NEIGHBOUR_DOMINATES;

  private static final Color GROUND = new Color(0x12161d);
  private static final Color FRAME = new Color(0x39424e);
  private static final Color TEXT = new Color(0xe6e9ee);
  private static final Color SUBDUED = new Color(0x9aa5b3);
  private static final Color CLEAN = new Color(0x3ddbc4);
  private static final Color FIT = new Color(0xffb638);
  private static final Color PIXELS = new Color(0xff5d73);

  public ImagePicture {
    int expected = width * height;
    if (science.length != expected || sky.length != expected || residual.length != expected) {
      throw new IllegalArgumentException(
          "planes of %d, %d and %d values, expected %d for %d x %d pixels"
              .formatted(science.length, sky.length, residual.length, expected, width, height));
    }
    if (x.length != y.length || x.length != flags.length) {
      throw new IllegalArgumentException(
          "%d columns, %d rows, %d flags of stars: expected as many of each"
              .formatted(x.length, y.length, flags.length));
    }
    if (!(skyNoise > 0)) {
      throw new IllegalArgumentException("sky noise %s e-: expected above 0".formatted(skyNoise));
    }
    caption = List.copyOf(caption);
  }

  /** The pixels that are shown, and the size of the panel they fill. */
  private record View(
      int left, int bottom, int columns, int rows, int panelWidth, int panelHeight) {
    double scale() {
      return (double) panelWidth / columns;
    }

    boolean shows(double x, double y) {
      return x >= left - 0.5
          && x < left + columns - 0.5
          && y >= bottom - 0.5
          && y < bottom + rows - 0.5;
    }
  }

  /** Writes the picture as a PNG file, in place of one that is there. */
  public void write(Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      write(out);
    }
  }

  /** Writes the picture as PNG; the stream stays open. */
  public void write(OutputStream out) throws IOException {
    if (!ImageIO.write(draw(fontsAreThere()), "png", out)) {
      throw new IOException("this Java has no writer for PNG");
    }
  }

  /** Draws the picture, with words above and below the panels or the panels alone. */
  BufferedImage draw(boolean words) {
    View view = view();
    int above = words ? MARGIN + LINE + 8 + LINE : MARGIN;
    int below = words ? 10 + LINE * (2 + caption.size()) + 10 : MARGIN;
    int pictureWidth = 2 * MARGIN + GAP + 2 * view.panelWidth();
    int pictureHeight = above + view.panelHeight() + below;
    BufferedImage picture =
        new BufferedImage(pictureWidth, pictureHeight, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = picture.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.setColor(GROUND);
      graphics.fillRect(0, 0, pictureWidth, pictureHeight);
      int right = MARGIN + view.panelWidth() + GAP;
      graphics.drawImage(panel(view, true), MARGIN, above, null);
      graphics.drawImage(panel(view, false), right, above, null);
      graphics.setColor(FRAME);
      graphics.drawRect(MARGIN - 1, above - 1, view.panelWidth() + 1, view.panelHeight() + 1);
      graphics.drawRect(right - 1, above - 1, view.panelWidth() + 1, view.panelHeight() + 1);
      int[] marked = markStars(graphics, view, MARGIN, above);
      if (words) {
        writeWords(graphics, view, right, above, marked);
      }
    } finally {
      graphics.dispose();
    }
    return picture;
  }

  /** The whole image, or the largest part at its centre whose stars can be told apart. */
  private View view() {
    double scale = Math.min((double) PANEL / width, (double) PANEL / height);
    if (x.length <= MOST_STARS_MARKED && scale >= SMALLEST_SCALE) {
      if (scale > 1) {
        scale = Math.floor(scale);
      }
      int panelWidth = (int) Math.max(1, Math.round(width * scale));
      int panelHeight = (int) Math.max(1, Math.round(height * scale));
      return new View(0, 0, width, height, panelWidth, panelHeight);
    }
    View part = null;
    for (int zoom = 1; zoom <= 4; zoom++) {
      int columns = Math.min(width, PANEL / zoom);
      int rows = Math.min(height, PANEL / zoom);
      part =
          new View(
              (width - columns) / 2,
              (height - rows) / 2,
              columns,
              rows,
              columns * zoom,
              rows * zoom);
      int stars = 0;
      for (int i = 0; i < x.length; i++) {
        stars += part.shows(x[i], y[i]) ? 1 : 0;
      }
      if (stars <= MOST_STARS_MARKED) {
        return part;
      }
    }
    return part;
  }

  /** One panel; where it is smaller than what it shows, a pixel is the mean of those under it. */
  private BufferedImage panel(View view, boolean stars) {
    BufferedImage panel =
        new BufferedImage(view.panelWidth(), view.panelHeight(), BufferedImage.TYPE_INT_RGB);
    for (int row = 0; row < view.panelHeight(); row++) {
      int fromRow = view.bottom() + (int) ((long) row * view.rows() / view.panelHeight());
      int toRow = view.bottom() + (int) ((row + 1L) * view.rows() / view.panelHeight());
      toRow = Math.max(toRow, fromRow + 1);
      for (int column = 0; column < view.panelWidth(); column++) {
        int fromColumn = view.left() + (int) ((long) column * view.columns() / view.panelWidth());
        int toColumn = view.left() + (int) ((column + 1L) * view.columns() / view.panelWidth());
        toColumn = Math.max(toColumn, fromColumn + 1);
        double sum = 0;
        for (int j = fromRow; j < toRow; j++) {
          for (int i = fromColumn; i < toColumn; i++) {
            int pixel = j * width + i;
            sum += stars ? (double) science[pixel] - sky[pixel] : residual[pixel];
          }
        }
        int count = (toRow - fromRow) * (toColumn - fromColumn);
        // The noise of a mean is smaller; the stretch follows.
        double significance = sum / (Math.sqrt(count) * skyNoise);
        int colour = stars ? starColour(significance) : residualColour(significance);
        panel.setRGB(column, view.panelHeight() - 1 - row, colour);
      }
    }
    return panel;
  }

  private static int starColour(double significance) {
    if (Double.isNaN(significance)) {
      return GROUND.getRGB();
    }
    double share = clamp((significance - LOWEST) / (HIGHEST - LOWEST));
    double bright = asinh(SOFTENING * share) / asinh(SOFTENING);
    // A trace of blue in the dark and of yellow in the light is easier on the eye than grey.
    return colour(255 * Math.pow(bright, 1.08), 255 * Math.pow(bright, 1.02), 18 + 232 * bright);
  }

  private static int residualColour(double significance) {
    if (Double.isNaN(significance)) {
      return GROUND.getRGB();
    }
    double share = Math.min(1, Math.abs(significance) / RESIDUAL_RANGE);
    // Grey that turns into a colour late: noise stays calm, what is beyond three sigma stands out.
    double tint = share * share;
    double grey = 46 + Math.signum(significance) * 18 * Math.sqrt(share) * (1 - tint);
    return significance > 0
        ? colour(grey + tint * 209, grey + tint * 130, grey + tint * 4)
        : colour(grey + tint * 4, grey + tint * 94, grey + tint * 209);
  }

  private static int colour(double red, double green, double blue) {
    return (int) Math.round(red) << 16 | (int) Math.round(green) << 8 | (int) Math.round(blue);
  }

  private static double clamp(double share) {
    return Math.max(0, Math.min(1, share));
  }

  private static double asinh(double value) {
    return Math.log(value + Math.sqrt(value * value + 1));
  }

  /** Draws the circles and counts them: clean stars, troubled fits, troubled pixels. */
  private int[] markStars(Graphics2D graphics, View view, int panelLeft, int panelTop) {
    double radius = Math.max(4.5, Math.min(9, 3.5 + 2.5 * view.scale()));
    int[] counts = new int[3];
    graphics.setClip(panelLeft, panelTop, view.panelWidth(), view.panelHeight());
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    graphics.setStroke(new BasicStroke(1.1f));
    for (int i = 0; i < x.length; i++) {
      if (!view.shows(x[i], y[i])) {
        continue;
      }
      int kind = (flags[i] & PIXEL_TROUBLE) != 0 ? 2 : (flags[i] & FIT_TROUBLE) != 0 ? 1 : 0;
      counts[kind]++;
      graphics.setColor(kind == 2 ? PIXELS : kind == 1 ? FIT : CLEAN);
      double column = panelLeft + (x[i] - view.left() + 0.5) * view.scale();
      double row = panelTop + view.panelHeight() - (y[i] - view.bottom() + 0.5) * view.scale();
      graphics.draw(new Ellipse2D.Double(column - radius, row - radius, 2 * radius, 2 * radius));
    }
    graphics.setClip(null);
    return counts;
  }

  private void writeWords(Graphics2D graphics, View view, int right, int above, int[] marked) {
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    Font plain = new Font(Font.SANS_SERIF, Font.PLAIN, 14);
    int wide = 2 * view.panelWidth() + GAP;
    graphics.setFont(new Font(Font.SANS_SERIF, Font.BOLD, 17));
    write(graphics, TEXT, title, MARGIN, MARGIN + 14, wide);
    graphics.setFont(plain);
    int head = above - 8;
    write(
        graphics,
        SUBDUED,
        "calibrated, sky taken off, stars marked",
        MARGIN,
        head,
        view.panelWidth());
    write(graphics, SUBDUED, "what is left without the stars", right, head, view.panelWidth());
    int line = above + view.panelHeight() + LINE;
    int at = MARGIN;
    at = legend(graphics, CLEAN, counted(marked[0], "clean"), at, line, MARGIN + view.panelWidth());
    at =
        legend(
            graphics,
            FIT,
            counted(marked[1], "with a doubtful fit"),
            at,
            line,
            MARGIN + view.panelWidth());
    legend(
        graphics,
        PIXELS,
        counted(marked[2], "on bad or saturated pixels"),
        at,
        line,
        MARGIN + view.panelWidth());
    write(
        graphics,
        SUBDUED,
        String.format(
            Locale.ROOT, "blue -%.0f to orange +%.0f sigma", RESIDUAL_RANGE, RESIDUAL_RANGE),
        right,
        line,
        view.panelWidth());
    line += LINE;
    for (String words : caption) {
      write(graphics, TEXT, words, MARGIN, line, wide);
      line += LINE;
    }
    write(graphics, SUBDUED, scaleWords(view), MARGIN, line, wide);
  }

  private static String counted(int count, String what) {
    return String.format(Locale.ROOT, "%,d %s", count, what);
  }

  private String scaleWords(View view) {
    String part =
        view.columns() == width && view.rows() == height
            ? "all %d x %d pixels".formatted(width, height)
            : "the central %d x %d of %d x %d pixels"
                .formatted(view.columns(), view.rows(), width, height);
    return String.format(
        Locale.ROOT,
        "%s, %s; left: asinh from %.0f to %.0f sigma; sigma = %.1f e- a pixel",
        part,
        view.scale() >= 1
            ? "%.0f:1".formatted(view.scale())
            : String.format(Locale.ROOT, "1:%.1f", 1 / view.scale()),
        LOWEST,
        HIGHEST,
        skyNoise);
  }

  private static int legend(
      Graphics2D graphics, Color colour, String words, int left, int baseline, int end) {
    int needed = 18 + graphics.getFontMetrics().stringWidth(words);
    if (left + needed > end) {
      return left;
    }
    graphics.setColor(colour);
    graphics.draw(new Ellipse2D.Double(left + 1, baseline - 11, 11, 11));
    write(graphics, SUBDUED, words, left + 18, baseline, needed);
    return left + needed + 20;
  }

  /** Writes words, cut where they would be wider than there is room. */
  private static void write(
      Graphics2D graphics, Color colour, String words, int left, int baseline, int room) {
    String shown = words;
    while (shown.length() > 4 && graphics.getFontMetrics().stringWidth(shown) > room) {
      shown = shown.substring(0, shown.length() - 4) + "...";
    }
    graphics.setColor(colour);
    graphics.drawString(shown, left, baseline);
  }

  /** Whether this machine has fonts; one without (a bare server) gets a picture without words. */
  private static boolean fontsAreThere() {
    try {
      BufferedImage probe = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB);
      Graphics2D graphics = probe.createGraphics();
      try {
        graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 14));
        return graphics.getFontMetrics().stringWidth("star") > 0;
      } finally {
        graphics.dispose();
      }
    } catch (RuntimeException | LinkageError | InternalError e) {
      // Java says so in several ways, by JDK and by what is missing (fontconfig, freetype, fonts).
      return false;
    }
  }
}

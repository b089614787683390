package org.starmill.bench;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Draws what was measured against the truth, by magnitude: a point a star, with the binned medians
 * and widths over them; isolated stars left, crowded ones right.
 */
final class AccuracyPlots {
  private static final int WIDTH = 720;
  private static final int HEIGHT = 480;
  private static final double LEAST_SIGNIFICANCE = 5;
  private static final double BIN = 0.5;
  private static final int LEAST_OF_A_BIN = 8;

  /** More points than this hide one another. */
  private static final int MOST_POINTS = 5_000;

  private static final Color POINT = new Color(40, 90, 160, 60);
  private static final Color BINNED = new Color(200, 40, 20);

  private AccuracyPlots() {}

  /** Pulls, (flux - truth) / flux_err. */
  static void pulls(AccuracyField field, Path file) throws IOException {
    save(field, "(flux - truth) / flux_err", 8, TrueStar::pull, file);
  }

  /** (flux - truth) / truth in percent. */
  static void flux(AccuracyField field, Path file) throws IOException {
    save(field, "(flux - truth) / truth, %", 25, star -> 100 * star.fluxResidual(), file);
  }

  private static void save(
      AccuracyField field,
      String quantity,
      double limit,
      ToDoubleFunction<TrueStar> value,
      Path file)
      throws IOException {
    List<XYChart> charts =
        List.of(
            chart(field, Crowding.ISOLATED, quantity, limit, value),
            chart(field, Crowding.CROWDED, quantity, limit, value));
    BitmapEncoder.saveBitmap(
        charts, 1, charts.size(), file.toString(), BitmapEncoder.BitmapFormat.PNG);
  }

  private static XYChart chart(
      AccuracyField field,
      Crowding crowding,
      String quantity,
      double limit,
      ToDoubleFunction<TrueStar> value) {
    List<TrueStar> stars =
        field.trueStars().stream()
            .filter(
                star ->
                    star.crowding() == crowding
                        && star.isFound()
                        && !star.saturated()
                        && star.significance() > LEAST_SIGNIFICANCE)
            .sorted(Comparator.comparingDouble(TrueStar::mag))
            .toList();
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(
                String.format(
                    Locale.ROOT,
                    "%s stars, %,d in a field of %,d",
                    crowding.name().toLowerCase(Locale.ROOT),
                    stars.size(),
                    field.stars()))
            .xAxisTitle("true magnitude")
            .yAxisTitle(quantity)
            .build();
    style(chart, limit);
    addPoints(chart, stars, limit, value);
    addBins(chart, stars, value);
    return chart;
  }

  private static void style(XYChart chart, double limit) {
    Font font = new Font(Font.SANS_SERIF, Font.PLAIN, 14);
    XYStyler style = chart.getStyler();
    style.setDefaultSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    style.setLegendPosition(Styler.LegendPosition.InsideSW);
    style.setChartBackgroundColor(Color.WHITE);
    style.setYAxisMin(-limit);
    style.setYAxisMax(limit);
    style.setChartTitleFont(font.deriveFont(Font.BOLD, 15f));
    style.setAxisTitleFont(font);
    style.setAxisTickLabelsFont(font.deriveFont(12f));
    style.setLegendFont(font.deriveFont(12f));
    style.setPlotGridLinesColor(new Color(220, 220, 220));
    style.setXAxisDecimalPattern("0");
    style.setYAxisDecimalPattern("0");
  }

  private static void addPoints(
      XYChart chart, List<TrueStar> stars, double limit, ToDoubleFunction<TrueStar> value) {
    int step = 1 + stars.size() / MOST_POINTS;
    List<Double> mag = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (int i = 0; i < stars.size(); i += step) {
      mag.add(stars.get(i).mag());
      // What lies beyond the frame is shown at its edge.
      y.add(Math.max(-limit, Math.min(limit, value.applyAsDouble(stars.get(i)))));
    }
    if (!mag.isEmpty()) {
      chart
          .addSeries(
              (step == 1 ? "stars" : "one star in " + step) + "; what lies beyond: on the edge",
              mag,
              y)
          .setMarker(SeriesMarkers.CIRCLE)
          .setMarkerColor(POINT);
      chart.getStyler().setMarkerSize(4);
    }
  }

  private static void addBins(
      XYChart chart, List<TrueStar> stars, ToDoubleFunction<TrueStar> value) {
    List<Double> mag = new ArrayList<>();
    List<Double> medians = new ArrayList<>();
    List<Double> widths = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= stars.size(); i++) {
      if (i == stars.size() || bin(stars.get(i)) > bin(stars.get(from))) {
        if (i - from >= LEAST_OF_A_BIN) {
          double[] values = stars.subList(from, i).stream().mapToDouble(value).toArray();
          mag.add((bin(stars.get(from)) + 0.5) * BIN);
          medians.add(Robust.median(values));
          widths.add(Robust.width(values));
        }
        from = i;
      }
    }
    if (!mag.isEmpty()) {
      XYSeries series =
          chart.addSeries("median and 1.4826 MAD of half a magnitude", mag, medians, widths);
      series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Line);
      series.setMarker(SeriesMarkers.DIAMOND);
      series.setMarkerColor(BINNED);
      series.setLineColor(BINNED);
      series.setLineStyle(new BasicStroke(1.6f));
      chart.getStyler().setErrorBarsColor(BINNED);
    }
  }

  private static int bin(TrueStar star) {
    return (int) Math.floor(star.mag() / BIN);
  }
}

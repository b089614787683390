package org.starmill.measure;

import java.util.Arrays;
import org.starmill.device.*;
import org.starmill.psf.PsfModel;
import org.starmill.sample.*;

public class FieldProbe {
  public static void main(String[] a) {
    int n = Integer.parseInt(a[0]);
    PsfModel model = PsfModel.valueOf(a[1]);
    long seed = Long.parseLong(a[2]);
    CameraSettings s = CameraSettings.ztfLike().withSeed(seed).withStars(n);
    if (model == PsfModel.GAUSSIAN) s = s.withPsf(PsfKind.GAUSSIAN, 2.0);
    ReductionSettings d = ReductionSettings.DEFAULT;
    ReductionSettings r =
        new ReductionSettings(
            d.skyBox(),
            d.skyFilter(),
            d.skyMaxLevel(),
            d.threshold(),
            model,
            d.psfBeta(),
            d.psfOrder(),
            d.psfMinStars(),
            d.psfMaxStars(),
            d.stampRadius(),
            d.fitSky(),
            d.passes(),
            d.edge());
    long t0 = System.nanoTime();
    SimulatedCamera camera = new SimulatedCamera(s);
    Device device = Devices.java(1);
    var masters = SimulatedField.masters(camera, device, 10, 10);
    System.out.printf("masters %.1f s%n", (System.nanoTime() - t0) / 1e9);
    SimulatedField f = SimulatedField.reduce(s, r, device);
    System.out.println(f.reduction.seconds() + " " + f.reduction.cpuSeconds());
    System.out.println(f.reduction.summary());
    System.out.println("coef " + Arrays.toString(f.reduction.summary().psfCoefficients()));
    int[] iso = f.isolated();
    System.out.printf(
        "stars %d iso %d completeness %.4f scatter/bound %.4f pull width %.4f median %.3f%n",
        f.reduction.stars().count(),
        iso.length,
        f.completeness(iso),
        SimulatedField.robustWidth(f.inBounds(iso)),
        SimulatedField.robustWidth(f.pulls(iso)),
        SimulatedField.median(f.pulls(iso)));
    double[] sky = new double[f.reduction.sky().length / 997 + 1];
    float[] ts = camera.skyTruth(0);
    int k = 0;
    for (int i = 0; i < f.reduction.sky().length; i += 997) sky[k++] = f.reduction.sky()[i] - ts[i];
    sky = Arrays.copyOf(sky, k);
    System.out.printf(
        "sky error median %.3f width %.3f%n",
        SimulatedField.median(sky), SimulatedField.robustWidth(sky));
    for (int[] bin : f.byMagnitude(iso)) {
      double[] p = f.pulls(bin);
      double[] b = f.inBounds(bin);
      double[] rel =
          Arrays.stream(bin)
              .filter(i -> f.match[i] >= 0)
              .mapToDouble(i -> f.reduction.stars().flux()[f.match[i]] / f.truth.flux()[i] - 1)
              .toArray();
      System.out.printf(
          "mag %.2f-%.2f n %d compl %.3f S/N %.1f pull median %.3f width %.3f scatter/bound %.3f rel bias %.5f over5 %d%n",
          f.truth.mag()[bin[0]],
          f.truth.mag()[bin[bin.length - 1]],
          bin.length,
          f.completeness(bin),
          SimulatedField.median(
              Arrays.stream(bin)
                  .mapToDouble(i -> f.truth.flux()[i] / f.truth.fluxBound()[i])
                  .toArray()),
          SimulatedField.median(p),
          SimulatedField.robustWidth(p),
          SimulatedField.robustWidth(b),
          SimulatedField.median(rel),
          Arrays.stream(p).filter(v -> Math.abs(v) > 5).count());
    }
    {
      double[] c = f.reduction.summary().psfCoefficients();
      double worst = 0, sum2 = 0;
      int m = 0;
      for (int y = 0; y < 3080; y += 110)
        for (int x = 0; x < 3072; x += 110) {
          double u = 2.0 * x / 3071 - 1, v = 2.0 * y / 3079 - 1;
          double[] b = {1, u, v, u * u, u * v, v * v, u * u * u, u * u * v, u * v * v, v * v * v};
          double l = 0;
          int nt =
              f.reduction.summary().psfModel().equals("gaussian")
                  ? c.length / 3
                  : (c.length >= 30 ? 10 : 6);
          for (int q = 0; q < nt; q++) l += c[q] * b[q];
          double d = l - Math.log(camera.psfFwhmAt(x, y));
          worst = Math.max(worst, Math.abs(d));
          sum2 += d * d;
          m++;
        }
      System.out.printf("ln FWHM error rms %.5f worst %.5f%n", Math.sqrt(sum2 / m), worst);
    }
    boolean[] used = new boolean[f.reduction.stars().count()];
    for (int m : f.match) if (m >= 0) used[m] = true;
    Stars st = f.reduction.stars();
    int[][] hist = new int[4][12];
    for (int i = 0; i < st.count(); i++)
      if (!used[i])
        hist[Math.min(3, st.pass()[i])][(int) Math.min(11, st.flux()[i] / st.fluxErr()[i])]++;
    for (int q = 1; q < 4; q++)
      System.out.println("unmatched pass " + q + " by S/N " + Arrays.toString(hist[q]));
    int[] cls = new int[4];
    for (int i = 0; i < st.count(); i++)
      if (!used[i] && st.flux()[i] > 5 * st.fluxErr()[i]) {
        cls[0]++;
        if (st.sharp()[i] < -0.3) cls[1]++;
        if ((st.flags()[i] & 0x2f) != 0) cls[2]++;
        if (cls[0] < 15)
          System.out.printf(
              "  unmatched x %.1f y %.1f S/N %.1f chi2 %.2f sharp %.2f q %.2f crowd %.2f flags %x pass %d%n",
              st.x()[i],
              st.y()[i],
              st.flux()[i] / st.fluxErr()[i],
              st.chi2()[i],
              st.sharp()[i],
              st.quality()[i],
              st.crowding()[i],
              st.flags()[i],
              st.pass()[i]);
      }
    System.out.println(
        "unmatched S/N>5: " + cls[0] + " sharp<-.3 " + cls[1] + " flagged " + cls[2]);
    int nc = 0;
    int shown = 0;
    for (int i = 0; i < st.count(); i++)
      if ((st.flags()[i] & StarFlag.NOT_CONVERGED) != 0) {
        nc++;
        if (shown++ < 12)
          System.out.printf(
              "  not converged x %.1f y %.1f S/N %.1f chi2 %.2f sharp %.2f q %.2f crowd %.2f flags %x pass %d xerr %.3f%n",
              st.x()[i],
              st.y()[i],
              st.flux()[i] / st.fluxErr()[i],
              st.chi2()[i],
              st.sharp()[i],
              st.quality()[i],
              st.crowding()[i],
              st.flags()[i],
              st.pass()[i],
              st.xErr()[i]);
      }
    System.out.println("not converged " + nc);
    long matched = Arrays.stream(f.match).filter(m -> m >= 0).distinct().count();
    System.out.printf(
        "purity-ish: %d of %d measured are matched%n", matched, f.reduction.stars().count());
  }
}

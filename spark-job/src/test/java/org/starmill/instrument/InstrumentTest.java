package org.starmill.instrument;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.config.CampaignConfig;
import org.starmill.config.ConfigurationException;
import org.starmill.fits.FitsHeader;
import org.starmill.image.ImageRejected;
import org.starmill.image.Section;

class InstrumentTest {
  @TempDir Path folder;

  private static final Map<String, Object> SCIENCE =
      Map.of(
          "IMAGETYP",
          "object",
          "EXPTIME",
          30.0,
          "GAIN",
          6.2,
          "READNOI",
          10.0,
          "SATURATE",
          60000L,
          "MJD-OBS",
          60443.25,
          "FILTER",
          "zr",
          "BITPIX",
          16L,
          "BZERO",
          32768L);

  /** The keywords of a well-behaved science frame with some changed; null takes one away. */
  private static FitsHeader header(Object... changes) {
    Map<String, Object> values = new HashMap<>(SCIENCE);
    for (int i = 0; i < changes.length; i += 2) {
      values.put((String) changes[i], changes[i + 1]);
    }
    return new FitsHeader(values);
  }

  private static FrameFacts generic(Object... changes) {
    return Instrument.load("generic").describe("night/a.fits", 0, 1056, 1024, header(changes));
  }

  private Instrument instrument(String text) throws IOException {
    return Instrument.load(Files.writeString(folder.resolve("mine.conf"), text).toString());
  }

  @Test
  void aSimulatedFrameIsReadByTheCommonConventions() {
    FrameFacts facts =
        generic(
            "DATE-OBS",
            "2024-05-13T06:00:00",
            "FIELDID",
            763L,
            "CCD_ID",
            14L,
            "AMP_ID",
            3L,
            "DATASEC",
            "[1:1024,1:1024]",
            "BIASSEC",
            "[1025:1056,1:1024]",
            "AIRMASS",
            1.2,
            "OBJECT",
            "field 763");

    assertThat(facts)
        .isEqualTo(
            new FrameFacts(
                ImageType.SCIENCE,
                new Section(0, 0, 1024, 1024),
                new Section(1024, 0, 32, 1024),
                java.util.List.of(),
                6.2,
                10,
                60000,
                30,
                60443.25,
                "2024-05-12",
                "zr",
                "763",
                "14",
                "3",
                1.2,
                null,
                java.util.List.of()));
    assertThat(facts.detector().gain()).isEqualTo(6.2);
  }

  @Test
  void theQuadrantIsCountedAsItsKeywordCounts() {
    assertThat(generic("QUADRANT", 1L, "AMP_ID", 0L).quadrant()).isEqualTo("1");
    assertThat(generic("AMP_ID", 0L).quadrant()).isEqualTo("0");
  }

  @ParameterizedTest
  @CsvSource({"GAIN, 0", "GAIN, -2", "GAIN, high", "EXPTIME, 0", "EXPTIME, -1", "EXPTIME, NaN"})
  void aValueWithoutSenseIsNamed(String keyword, String value) {
    assertThatThrownBy(() -> generic(keyword, value))
        .isInstanceOf(ImageRejected.class)
        .hasMessageContaining("%s is '%s'".formatted(keyword, value));
  }

  @Test
  void aFrameWithoutATypeKeywordHasRemediesThatWork() {
    assertThatThrownBy(() -> generic("IMAGETYP", null))
        .hasMessageContaining("type.rules or type.value")
        .hasMessageContaining("conf/instruments/generic.conf");
  }

  @ParameterizedTest
  @CsvSource({
    "bias, BIAS",
    "BIAS, BIAS",
    "Bias Frame, BIAS",
    "zero, BIAS",
    "flat, FLAT",
    "FLAT FIELD, FLAT",
    "DOME_FLAT, FLAT",
    "sky flat, FLAT",
    "Dark Frame, DARK",
    "object, SCIENCE",
    "LIGHT, SCIENCE",
    "Light Frame, SCIENCE",
    "science, SCIENCE",
    "target, SCIENCE"
  })
  void anImageTypeHasManyWords(String word, ImageType type) {
    assertThat(generic("IMAGETYP", word).type()).isEqualTo(type);
  }

  @Test
  void theTypeIsFoundUnderOtherKeywordsAndByRules() {
    assertThat(generic("IMAGETYP", null, "OBSTYPE", "zero").type()).isEqualTo(ImageType.BIAS);
    assertThat(generic("IMAGETYP", "?", "OBSTYPE", "dome flat").type()).isEqualTo(ImageType.FLAT);
    assertThat(generic("IMAGETYP", null, "OBJECT", "bias 3").type()).isEqualTo(ImageType.BIAS);
    assertThat(generic("OBJECT", "sky flat").type()).isEqualTo(ImageType.FLAT);
    assertThat(generic("OBJECT", "Biased galaxy").type()).isEqualTo(ImageType.SCIENCE);
  }

  @Test
  void anUnknownTypeIsRejectedWithWhatWasFound() {
    assertThatThrownBy(() -> generic("IMAGETYP", "focus"))
        .isInstanceOfSatisfying(
            ImageRejected.class, e -> assertThat(e.reason()).isEqualTo("unknown image type"))
        .hasMessage(
            "unknown image type: night/a.fits, HDU 0: IMAGETYP is 'focus'; tell what it is with type.words or type.rules in conf/instruments/generic.conf");
    assertThatThrownBy(() -> generic("IMAGETYP", null))
        .hasMessageContaining("none of IMAGETYP, IMGTYPE, OBSTYPE");
  }

  @Test
  void aMissingGainIsRejectedWithItsRemedy() {
    assertThatThrownBy(() -> generic("GAIN", null))
        .isInstanceOfSatisfying(
            ImageRejected.class, e -> assertThat(e.reason()).isEqualTo("missing keyword"))
        .hasMessageStartingWith("missing keyword: night/a.fits, HDU 0: no gain in EGAIN, ")
        .hasMessageEndingWith(
            "; set gain.default (electrons per ADU) in conf/instruments/generic.conf");
  }

  @Test
  void aScienceFrameNeedsItsExposureTimeAndABiasDoesNot() {
    assertThatThrownBy(() -> generic("EXPTIME", null))
        .isInstanceOf(ImageRejected.class)
        .hasMessageContaining("no exposure time above 0");
    assertThatThrownBy(() -> generic("EXPTIME", 0L)).isInstanceOf(ImageRejected.class);
    assertThat(generic("EXPTIME", null, "IMAGETYP", "bias").exposureSeconds()).isNaN();
  }

  @Test
  void anElectronGainComesBeforeTheIndexOfASetting() {
    assertThat(generic("EGAIN", 0.78, "GAIN", 100L).gain()).isEqualTo(0.78);
  }

  @Test
  void aGainThatIsNoGainIsPassedOverWithANote() {
    FrameFacts facts = generic("EGAIN", 0L, "GAIN", 1.5);

    assertThat(facts.gain()).isEqualTo(1.5);
    assertThat(facts.notes()).containsExactly("EGAIN '0' is not used: expected a number above 0");
  }

  @Test
  void theReadNoiseComesFromTheBiasFramesWhereTheHeaderIsSilent() {
    FrameFacts facts = generic("READNOI", null);

    assertThat(facts.readNoise()).isNaN();
    assertThat(facts.detector(2.0).readNoise()).isEqualTo(2.0 * 6.2);
    assertThatThrownBy(facts::detector)
        .isInstanceOf(ImageRejected.class)
        .hasMessageContaining("read-noise.default");
    assertThat(generic("READNOI", 9L).detector(2.0).readNoise()).isEqualTo(9);
  }

  @Test
  void saturationIsTheLargestNumberTheFileCanHoldWhereTheHeaderIsSilent() {
    assertThat(generic("SATURATE", null).saturation()).isEqualTo(65535);
    assertThat(generic("SATURATE", null, "BZERO", null).saturation()).isEqualTo(32767);
    assertThat(generic("SATURATE", null, "BITPIX", -32L, "BZERO", null).saturation()).isInfinite();
    assertThat(generic("SATURATE", null, "BITPIX", 8L, "ZBITPIX", 16L).saturation())
        .isEqualTo(65535);
  }

  @Test
  void timeIsTakenFromTheFirstKeywordThatTellsIt() {
    assertThat(generic("MJD-OBS", null, "DATE-OBS", "2024-05-13T06:00:00").mjd())
        .isEqualTo(60443.25);
    assertThat(generic("MJD-OBS", null, "OBSJD", 2460443.75).mjd()).isEqualTo(60443.25);
    assertThat(generic("MJD-OBS", null, "DATE-OBS", "2024-05-13", "UT", "06:00:00").mjd())
        .isEqualTo(60443.25);
    FrameFacts day = generic("MJD-OBS", null, "DATE-OBS", "2024-05-13");
    assertThat(day.mjd()).isEqualTo(60443);
    assertThat(day.notes()).containsExactly("DATE-OBS gives a day without a time: taken as 0h UTC");
  }

  @Test
  void aFrameWithoutATimeIsStillAFrame() {
    FrameFacts facts = generic("MJD-OBS", "soon");

    assertThat(facts.mjd()).isNaN();
    assertThat(facts.night()).isEqualTo("unknown");
    assertThat(facts.notes())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("MJD-OBS 'soon' is not used");
  }

  @Test
  void amplifiersOfAMosaicAreToldApartByTheirExtension() {
    Instrument generic = Instrument.load("generic");

    assertThat(generic.describe("a", 3, 9, 9, header()).quadrant()).isEqualTo("3");
    assertThat(generic.describe("a", 0, 9, 9, header()).quadrant())
        .as("an image is the same one before and after its compression into an extension")
        .isEqualTo(generic.describe("a", 1, 9, 9, header()).quadrant());
  }

  @Test
  void masksAndVariancesAreNoFrames() {
    Instrument generic = Instrument.load("generic");

    assertThat(generic.reads("a", 1, header("EXTNAME", "MASK"))).isFalse();
    assertThat(generic.reads("a", 1, header("EXTNAME", "im1"))).isTrue();
    assertThat(Instrument.load("nickel").reads("a", 1, header())).isFalse();
  }

  @Test
  void sectionsBeyondTheImageLeaveItWholeWithANote() {
    FrameFacts facts = generic("TRIMSEC", "[1:4096, :]", "BIASSEC", "[4096:4109]");

    assertThat(facts.data()).isEqualTo(new Section(0, 0, 1056, 1024));
    assertThat(facts.overscan()).isNull();
    assertThat(facts.notes())
        .containsExactly(
            "TRIMSEC '[1:4096, :]' is not used: expected a section [x1:x2,y1:y2] inside the image of 1056 x 1024 pixels",
            "BIASSEC '[4096:4109]' is not used: expected a section [x1:x2,y1:y2] inside the image of 1056 x 1024 pixels");
  }

  @Test
  void theDataSectionIsWhatTheOverscanLeaves() {
    assertThat(generic("BIASSEC", "[1025:1056,1:1024]").data())
        .isEqualTo(new Section(0, 0, 1024, 1024));
    assertThat(generic("BIASSEC", "[1:32,*]").data()).isEqualTo(new Section(32, 0, 1024, 1024));
  }

  @Test
  void anOverscanThatIsNotBesideTheDataIsNotUsed() {
    FrameFacts inside = generic("DATASEC", "[1:1056,1:1024]", "BIASSEC", "[1025:1056,1:1024]");
    FrameFacts above = generic("DATASEC", "[1:1056,1:1000]", "BIASSEC", "[1:1056,1001:1024]");

    assertThat(inside.overscan()).isNull();
    assertThat(above.overscan()).isNull();
    assertThat(above.notes())
        .containsExactly(
            "the overscan section [1:1056,1001:1024] is not used: expected one beside the data section [1:1056,1:1000], covering its rows");
  }

  @Test
  void aForcedValueStandsAboveTheHeaderAndADefaultBelowIt() throws IOException {
    Instrument forced =
        instrument("type.value = science\ngain { keywords = [GAIN], value = 1.7 }\n" + REST);
    Instrument silent =
        instrument("type.value = science\ngain { keywords = [GAIN], default = 1.7 }\n" + REST);

    assertThat(forced.describe("a", 0, 9, 9, header()).gain()).isEqualTo(1.7);
    assertThat(silent.describe("a", 0, 9, 9, header()).gain()).isEqualTo(6.2);
    assertThat(silent.describe("a", 0, 9, 9, header("GAIN", null)).gain()).isEqualTo(1.7);
  }

  private static final String REST =
      "read-noise.value = 5\nsaturation.value = 100\nexposure.keywords = [EXPTIME]\n";

  @Test
  void badSectionsAreGivenInTheRawFrameAndArriveInTheTrimmedOne() throws IOException {
    Instrument camera =
        instrument(
            """
            type.value = science
            gain.value = 1
            ccd.keywords = [CCD]
            sections.data.value = "[3:8,2:9]"
            sections.bad = ["[4,1:10]", "[1:3,5:5]", "[1:2,*]", { ccd = 2, section = "[8:8,9:9]" }]
            """
                + REST);

    assertThat(camera.describe("a", 0, 10, 10, header("CCD", 1L)).badSections())
        .containsExactly(new Section(1, 0, 1, 8), new Section(0, 3, 1, 1));
    assertThat(camera.describe("a", 0, 10, 10, header("CCD", 2L)).badSections())
        .contains(new Section(5, 7, 1, 1));
  }

  @Test
  void aRuleMayLookAtTheNameOfTheFile() throws IOException {
    Instrument camera =
        instrument(
            "type.rules = [{ type = flat, when { file-name = \"ff.*\" } }]\ngain.value = 1\n"
                + REST);

    assertThat(camera.describe("hdfs://host/dir/FF_001.fits", 0, 9, 9, header()).type())
        .isEqualTo(ImageType.FLAT);
    assertThatThrownBy(() -> camera.describe("ff/b_001.fits", 0, 9, 9, header()))
        .isInstanceOf(ImageRejected.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gian.value = 2 | unknown key 'gian.value' in FILE:1; did you mean 'gain.value'?",
        "gain.value = 0 | key 'gain.value' in FILE:1 is 0: expected a number above 0",
        "read-noise.default = guess | key 'read-noise.default' in FILE:1 is 'guess': expected 'from-bias' or a number above 0",
        "type.value = sky | key 'type.value' in FILE:1 is 'sky': expected one of bias, flat, dark, science",
        "hdus = some | key 'hdus' in FILE:1 is 'some': expected one of all",
        "hdus = [one] | key 'hdus' in FILE:1 is [one]: expected all or a list of HDU numbers from 0, such as [1, 2, 3, 4]",
        "sections.bad = [\"[5]\"] | key 'sections.bad' in FILE:1 is '[5]': expected a section [x1:x2,y1:y2], counted from 1",
        "sections.overscan.value = here | key 'sections.overscan.value' in FILE:1 is 'here': expected a section [x1:x2,y1:y2], counted from 1",
        "type.rules = [{ type = bias, when { OBJECT = \"(\" } }] | key 'type.rules.when.OBJECT' in FILE:1 is '(': expected a regular expression (Unclosed group)",
        "type.rules = [{ typ = bias }] | unknown key 'typ' in FILE:1; did you mean 'type'?"
      })
  void aWrongKeyIsNamedWithItsLineAndRemedy(String line, String message) {
    Path file = folder.resolve("mine.conf");
    assertThatThrownBy(() -> instrument(line.strip()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(message.strip().replace("FILE", file.toString()));
  }

  @Test
  void anUnknownInstrumentIsAnsweredWithThoseThereAre() {
    assertThatThrownBy(() -> Instrument.load("nikel"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            "unknown instrument 'nikel'; did you mean 'nickel'? known are generic, nickel");
    assertThatThrownBy(() -> Instrument.load("./none.conf"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("instrument file './none.conf' cannot be read: expected a HOCON file there");
  }

  @Test
  void everyCameraBesideTheLauncherIsInTheJar() throws IOException {
    try (var files = Files.list(Path.of("../conf/instruments"))) {
      assertThat(files.map(file -> file.getFileName().toString().replace(".conf", "")))
          .containsExactlyInAnyOrderElementsOf(Instrument.names());
    }
    for (String name : Instrument.names()) {
      assertThat(Instrument.load(name).name()).isEqualTo(name);
    }
  }

  @Test
  void anInstalledInstrumentComesBeforeThePackagedOne() throws IOException {
    Path instruments = Files.createDirectories(folder.resolve("conf/instruments"));
    Files.writeString(
        instruments.resolve("mine.conf"), "type.value = bias\ngain.value = 3\n" + REST);
    System.setProperty("starmill.home", folder.toString());
    try {
      assertThat(Instrument.names()).containsExactly("generic", "mine", "nickel");
      assertThat(Instrument.load("mine").describe("a", 0, 9, 9, header()).gain()).isEqualTo(3);
    } finally {
      System.clearProperty("starmill.home");
    }
  }

  @Test
  void anInstrumentMayBuildOnAnother() throws IOException {
    Instrument camera =
        instrument("include classpath(\"conf/instruments/generic.conf\")\ngain.value = 4\n");

    FrameFacts facts = camera.describe("a", 0, 9, 9, header());

    assertThat(facts.gain()).isEqualTo(4);
    assertThat(facts.filter()).isEqualTo("zr");
  }

  @Test
  void anInstrumentArrivesOnAnotherMachineAsItLeft() throws Exception {
    Instrument nickel = Instrument.load("nickel");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(nickel);
    }

    Instrument arrived =
        (Instrument)
            new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();

    assertThat(arrived.digest()).isEqualTo(nickel.digest()).matches("[0-9a-f]{16}");
    assertThat(arrived.name()).isEqualTo("nickel");
    assertThat(nickel.digest()).isNotEqualTo(Instrument.load("generic").digest());
  }

  @Test
  void theNickelsOwnSettingsReachTheCampaign() {
    CampaignConfig config =
        CampaignConfig.load(
            null,
            java.util.List.of("instrument=nickel"),
            camera -> Instrument.load(camera).campaignDefaults());

    assertThat(config.reduction().psfOrder()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({
    "d1001, BIAS, B, bias, 0",
    "d1010, BIAS, B, bias, 0",
    "d1035, FLAT, V, sky flat, 4",
    "d1037, FLAT, V, sky flat, 7",
    "d1047, SCIENCE, V, PG1323-085, 60",
    "d1048, SCIENCE, V, NGC_4147, 60",
    "d1052, SCIENCE, V, NGC_3982, 120",
    "d1074, SCIENCE, V, UGC_9837, 600"
  })
  void theNickelsFramesAreTold(
      String frame, ImageType type, String filter, String field, double seconds) throws Exception {
    FitsHeader header = SharedData.primaryHeader("nickel-lick1m/" + frame + ".fits.bz2");

    FrameFacts facts = Instrument.load("nickel").describe(frame, 0, 1056, 1024, header);

    assertThat(facts.type()).isEqualTo(type);
    assertThat(facts.filter()).isEqualTo(filter);
    assertThat(facts.field()).isEqualTo(field);
    assertThat(facts.exposureSeconds()).isEqualTo(seconds);
    assertThat(facts.gain()).isEqualTo(1.7);
    assertThat(facts.readNoise()).isCloseTo(5.77 * 1.7, within(0.01));
    assertThat(facts.night()).isEqualTo("2024-05-12");
    assertThat(facts.data()).isEqualTo(new Section(0, 0, 1024, 1024));
    assertThat(facts.overscan()).isEqualTo(new Section(1036, 0, 20, 1024));
    assertThat(facts.badSections()).contains(new Section(256, 0, 1, 1024));
    assertThat(facts.airmass()).isBetween(1.0, 1.7);
    assertThat(facts.notes()).isEmpty();
  }

  @Test
  void aTrimmedFrameWithSectionsOfTheUntrimmedOneIsReadWhole() throws Exception {
    FitsHeader header =
        SharedData.primaryHeader("astropy-kelt16/kelt-16-b-S001-R001-C084-r.fit.gz");

    assertThatThrownBy(() -> Instrument.load("generic").describe("kelt", 0, 200, 200, header))
        .isInstanceOf(ImageRejected.class)
        .hasMessageContaining("gain.default");
    FrameFacts facts =
        instrument("include classpath(\"conf/instruments/generic.conf\")\ngain.default = 1.5")
            .describe("kelt", 0, 200, 200, header);

    assertThat(facts.type()).isEqualTo(ImageType.SCIENCE);
    assertThat(facts.data()).isEqualTo(new Section(0, 0, 200, 200));
    assertThat(facts.overscan()).isNull();
    assertThat(facts.notes()).hasSize(2);
    assertThat(facts.mjd()).isCloseTo(58353.375243056, within(1e-8));
    assertThat(facts.field()).isEqualTo("kelt-16b");
    assertThat(facts.saturation()).isEqualTo(65535);
    assertThat(facts.airmass()).isEqualTo(1.407);
  }
}

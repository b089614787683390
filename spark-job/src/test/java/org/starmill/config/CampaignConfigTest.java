package org.starmill.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.measure.ReductionSettings;
import org.starmill.psf.PsfModel;

class CampaignConfigTest {
  @TempDir Path folder;

  private static CampaignConfig set(String... assignments) {
    return CampaignConfig.load(null, List.of(assignments));
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("campaign.conf"), text);
  }

  @Test
  void theDocumentedDefaultsAreThoseOfTheKernels() {
    CampaignConfig defaults = CampaignConfig.defaults();

    assertThat(defaults.reduction()).isEqualTo(ReductionSettings.DEFAULT);
    assertThat(defaults.instrument()).isEqualTo("generic");
    assertThat(defaults.masters())
        .isEqualTo(new CampaignConfig.MasterSettings(3, 3, 30, 4.0, -1, true));
    assertThat(defaults.device())
        .isEqualTo(new CampaignConfig.DeviceChoice("auto", false, 0, 0, "auto"));
    assertThat(defaults.output().compression()).isEqualTo("zstd");
  }

  @Test
  void everyDocumentedKeyIsAValueAndEveryValueIsDocumented() {
    Set<String> documented =
        TypedConfig.leaves(ConfigFactory.parseResources("conf/starmill.conf")).keySet();

    assertThat(CampaignConfig.defaults().values().keySet()).isEqualTo(documented);
  }

  @Test
  void theCommandLineWinsOverTheFileAndTheFileOverTheCameraAndTheCameraOverTheDefaults()
      throws IOException {
    Path file = file("psf { order = 3, min-stars = 9 }\nmeasure.passes = 5");

    CampaignConfig config =
        CampaignConfig.load(
            file,
            List.of("psf.order=1", "psf.order=4"),
            camera ->
                ConfigFactory.parseString("psf { order = 0, min-stars = 1, max-stars = 77 }"));

    assertThat(config.reduction().psfOrder()).isEqualTo(4);
    assertThat(config.reduction().psfMinStars()).isEqualTo(9);
    assertThat(config.reduction().psfMaxStars()).isEqualTo(77);
    assertThat(config.reduction().passes()).isEqualTo(5);
    assertThat(config.reduction().skyBox()).isEqualTo(64);
  }

  @Test
  void theCameraThatIsAskedForDefaultsIsTheOneThatWon() throws IOException {
    List<String> asked = new ArrayList<>();

    CampaignConfig.load(
        file("instrument = nickel"),
        List.of("instrument=/cameras/mine.conf"),
        camera -> {
          asked.add(camera);
          return ConfigFactory.empty();
        });

    assertThat(asked).containsExactly("/cameras/mine.conf");
  }

  @Test
  void wordsStandForWhatNumbersCannotSay() {
    ReductionSettings held =
        set("psf.beta=2.5", "sky.max-level=9000", "psf.model=gaussian").reduction();
    ReductionSettings free = set("psf.beta=fit", "sky.max-level=none").reduction();

    assertThat(held.psfBeta()).isEqualTo(2.5);
    assertThat(held.skyMaxLevel()).isEqualTo(9000);
    assertThat(held.psfModel()).isEqualTo(PsfModel.GAUSSIAN);
    assertThat(free.psfBeta()).isNaN();
    assertThat(free.skyMaxLevel()).isInfinite();
    assertThat(set("psf.residual-order=none").reduction().psfResidualOrder()).isEqualTo(-1);
  }

  @Test
  void aperturesAreAnyNumberOfGrowingRadii() {
    assertThat(set("apertures.radii=[1.5, 3]").reduction().apertures().radii())
        .containsExactly(1.5, 3.0);
    assertThat(set("apertures.radii=4").reduction().apertures().radii()).containsExactly(4.0);
    assertThat(set("apertures.radii=[]").reduction().apertures().radii()).isEmpty();
  }

  @Test
  void theMemoryOfADeviceIsGivenInMegabytes() {
    assertThat(set("device.max-memory=2500").device().mostBytes()).isEqualTo(2_500_000_000L);
    assertThat(set("device.max-memory=auto").device().mostBytes()).isZero();
  }

  @Test
  void aDeviceCanBeNamedInShort() throws IOException {
    CampaignConfig both =
        CampaignConfig.load(file("device = gpu"), List.of("device.fallback=java"));

    assertThat(set("device=java").device().name()).isEqualTo("java");
    assertThat(both.device()).isEqualTo(new CampaignConfig.DeviceChoice("gpu", true, 0, 0, "auto"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "psf.modle=moffat | unknown key 'psf.modle' in --set; did you mean 'psf.model'?",
        "threshold=5 | unknown key 'threshold' in --set; did you mean 'cosmic-rays.threshold' or"
            + " 'detect.threshold'?",
        "psf=3 | key 'psf' in --set is a section and takes no value itself; its keys are psf.beta,"
            + " psf.max-stars, psf.min-stars, psf.model, psf.order, psf.residual-order",
        "psf.model=mofat | key 'psf.model' in --set is 'mofat': expected one of moffat, gaussian;"
            + " did you mean 'moffat'?",
        "psf.order=two | key 'psf.order' in --set is 'two': expected a whole number from 0 to 6",
        "psf.order=9 | key 'psf.order' in --set is 9: expected a whole number from 0 to 6",
        "psf.order=[1] | key 'psf.order' in --set is [1]: expected a whole number from 0 to 6",
        "psf.order=null | key 'psf.order' in --set is 'null': expected a whole number from 0 to 6",
        "psf.beta=free | key 'psf.beta' in --set is 'free': expected 'fit' or a number from 1.1 to"
            + " 100.0",
        "sky.filter=4 | key 'sky.filter' in --set is 4: expected an odd number",
        "psf.residual-order=3 | key 'psf.residual-order' in --set is 3: expected 'none' or a whole"
            + " number from 0 to 2",
        "psf.residual-order=off | key 'psf.residual-order' in --set is 'off': expected 'none' or a"
            + " whole number from 0 to 2",
        "measure.max-group=65 | key 'measure.max-group' in --set is 65: expected a whole number"
            + " from 0 to 64",
        "apertures.radii=[3, 2] | key 'apertures.radii' in --set is [3, 2]: expected a list of at"
            + " most 16 numbers from 0.5 to 50.0, growing",
        "apertures.radii=[3, wide] | key 'apertures.radii' in --set is [3, wide]: expected a list"
            + " of at most 16 numbers from 0.5 to 50.0, growing",
        "apertures.sky-outer=11 | key 'apertures.sky-outer' in --set is 11: expected a number from"
            + " 12.0 to 100.0",
        "cosmic-rays.contrast=0.5 | key 'cosmic-rays.contrast' in --set is 0.5: expected a number"
            + " of at least 1.0",
        "measure.fit-sky=maybe | key 'measure.fit-sky' in --set is 'maybe': expected one of true,"
            + " false",
        "detect.threshold=0.1 | key 'detect.threshold' in --set is 0.1: expected a number of at"
            + " least 1.0",
        "device=cuda | key 'device.name' in --set is 'cuda': expected one of auto, gpu, opencl-cpu,"
            + " java",
        "psf.order | --set 'psf.order': expected key=value, such as psf.model=gaussian",
        "=3 | --set '=3': expected key=value, such as psf.model=gaussian",
        "a..b=3 | --set 'a..b=3': 'a..b' is no key, expected one such as psf.model"
      })
  void aWrongAssignmentIsNamedWithItsRemedy(String assignment, String message) {
    assertThatThrownBy(() -> set(assignment.strip()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(message.strip());
  }

  @Test
  void theRingOfSkyLiesOutsideTheLargestAperture() {
    assertThatThrownBy(() -> set("apertures.radii=12"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageMatching(
            "key 'apertures.sky-inner' in .*starmill.conf:[0-9]+ is 10: expected a number from 12.0"
                + " to 98.0");
  }

  @Test
  void aWrongKeyInAFileIsNamedWithItsLine() throws IOException {
    Path file = file("instrument = nickel\nsky {\n  boxx = 32\n}\n");

    assertThatThrownBy(() -> CampaignConfig.load(file, List.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("unknown key 'sky.boxx' in %s:3; did you mean 'sky.box'?", file);
  }

  @Test
  void aKeyOfAFileWithoutAValueIsNamed() throws IOException {
    Path file = file("psf.order = null");

    assertThatThrownBy(() -> CampaignConfig.load(file, List.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("key 'psf.order' in %s:1 is null: expected a value", file);
  }

  @Test
  void aFileThatIsMissingOrNoHoconIsNamed() throws IOException {
    Path broken = file("psf { order = \n");
    Path absent = folder.resolve("absent.conf");

    assertThatThrownBy(() -> CampaignConfig.load(absent, List.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("campaign file '%s' cannot be read: expected a HOCON file there", absent);
    assertThatThrownBy(() -> CampaignConfig.load(broken, List.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("campaign file '%s' is no valid HOCON".formatted(broken))
        .message()
        .doesNotContain("\n");
  }

  @Test
  void aCameraCannotBringADevice() {
    assertThatThrownBy(
            () ->
                CampaignConfig.load(
                    null, List.of(), camera -> ConfigFactory.parseString("device.name = java")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("unknown key 'device.name'");
  }

  @Test
  void theHashNamesWhatChangesResultsAndNothingElse() {
    CampaignConfig defaults = CampaignConfig.defaults();
    Map<String, String> others =
        Map.ofEntries(
            Map.entry("masters.min-bias-frames", "4"),
            Map.entry("masters.min-flat-frames", "4"),
            Map.entry("masters.max-frames", "5"),
            Map.entry("masters.clip-sigma", "5"),
            Map.entry("masters.flat", "optional"),
            Map.entry("sky.box", "32"),
            Map.entry("sky.filter", "5"),
            Map.entry("sky.max-level", "1e4"),
            Map.entry("detect.threshold", "5"),
            Map.entry("psf.model", "gaussian"),
            Map.entry("psf.beta", "3"),
            Map.entry("psf.order", "1"),
            Map.entry("psf.min-stars", "6"),
            Map.entry("psf.max-stars", "50"),
            Map.entry("measure.stamp-radius", "4"),
            Map.entry("measure.fit-sky", "true"),
            Map.entry("measure.passes", "2"),
            Map.entry("measure.max-group", "3"),
            Map.entry("measure.edge", "7"),
            Map.entry("psf.residual-order", "none"),
            Map.entry("cosmic-rays.find", "false"),
            Map.entry("cosmic-rays.threshold", "5"),
            Map.entry("cosmic-rays.contrast", "3"),
            Map.entry("trails.find", "false"),
            Map.entry("apertures.radii", "[4]"),
            Map.entry("apertures.sky-inner", "12"),
            Map.entry("apertures.sky-outer", "22"),
            Map.entry("instrument", "nickel"));
    Set<String> hashes = new HashSet<>(Set.of(defaults.hash()));
    others.forEach(
        (key, value) ->
            assertThat(hashes.add(set(key + "=" + value).hash()))
                .as("changes with " + key)
                .isTrue());

    for (String same :
        List.of(
            "device=java",
            "device.threads=3",
            "batch.images=1",
            "output.compression=none",
            "masters.warn-bias-level=7",
            "masters.warn-flat-level=none",
            "masters.warn-scatter=3",
            "masters.warn-changed-pixels=0.5")) {
      assertThat(set(same).hash()).as("stays with " + same).isEqualTo(defaults.hash());
    }
    assertThat(defaults.hash()).matches("[0-9a-f]{16}");
    assertThat(set("psf.order=2").hash()).isEqualTo(defaults.hash());
    assertThat(defaults.hash("one camera")).isNotEqualTo(defaults.hash("another"));
  }

  @Test
  void settingsArriveOnAnotherMachineAsTheyLeft() throws Exception {
    CampaignConfig config =
        set(
            "instrument=hdfs://host/x.conf",
            "psf.beta=fit",
            "sky.max-level=none",
            "masters.warn-scatter=none",
            "masters.warn-changed-pixels=0.25",
            "sky.box=31",
            "psf.residual-order=none",
            "apertures.radii=[2,5]");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(config);
    }

    Object arrived =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();

    assertThat(arrived).isEqualTo(config);
  }
}

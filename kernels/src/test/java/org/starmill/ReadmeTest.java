package org.starmill;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.image.RawFrame;
import org.starmill.measure.Reduction;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedFrame;

/** The examples of README.md compile, and measure stars. */
class ReadmeTest {
  private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern CLASS_NAME = Pattern.compile("class (\\w+)");

  @TempDir Path folder;

  @Test
  void theExamplesCompileAndReduceANight() throws Exception {
    for (String example : examples()) {
      compile(example);
    }
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
      Class<?> night = loader.loadClass("OneNight");
      Method frame = night.getMethod("frame", float[].class, int.class, int.class, int.class);
      SimulatedCamera camera =
          new SimulatedCamera(CameraSettings.ztfLike().withSize(384, 384).withStars(200));
      List<RawFrame> biases = new ArrayList<>();
      List<RawFrame> flats = new ArrayList<>();
      for (int i : IntStream.range(0, 3).toArray()) {
        biases.add(raw(frame, camera.bias(i)));
        flats.add(raw(frame, camera.flat(i)));
      }
      Method reduce = night.getMethod("reduce", RawFrame.class, List.class, List.class);
      Reduction reduction =
          (Reduction) reduce.invoke(null, raw(frame, camera.science(0).frame()), biases, flats);

      assertThat(reduction.stars().count()).isBetween(100, 250);
      assertThat(reduction.summary().psfFwhm()).isBetween(1.8, 2.2);
    }
  }

  private static RawFrame raw(Method frame, SimulatedFrame simulated)
      throws ReflectiveOperationException {
    return (RawFrame)
        frame.invoke(
            null, simulated.adu(), simulated.columns(), simulated.height(), simulated.overscan());
  }

  private static List<String> examples() throws IOException {
    Path readme = Path.of("README.md");
    if (!Files.exists(Path.of("src/main/java/org/starmill/device"))) {
      readme = Path.of("kernels", "README.md");
    }
    List<String> examples = new ArrayList<>();
    Matcher matcher = EXAMPLE.matcher(Files.readString(readme));
    while (matcher.find()) {
      examples.add(matcher.group(1));
    }
    assertThat(examples).hasSize(2);
    return examples;
  }

  private void compile(String source) throws IOException {
    Matcher name = CLASS_NAME.matcher(source);
    assertThat(name.find()).isTrue();
    Path file = Files.writeString(folder.resolve(name.group(1) + ".java"), source);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    boolean compiled =
        compiler
            .getTask(
                messages,
                null,
                null,
                List.of("-d", folder.toString(), "-cp", System.getProperty("java.class.path")),
                null,
                compiler.getStandardFileManager(null, null, null).getJavaFileObjects(file.toFile()))
            .call();
    assertThat(compiled).as(messages.toString()).isTrue();
  }
}

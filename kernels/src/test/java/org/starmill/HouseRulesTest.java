package org.starmill;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;

class HouseRulesTest {
  // Where the kernels' own classes lie: the simulator, which the tests use, may read FITS.
  private final JavaClasses kernels =
      new ClassFileImporter()
          .importUrl(Device.class.getProtectionDomain().getCodeSource().getLocation());

  @Test
  void theKernelsSeeNoSparkHadoopOrFits() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.apache.spark..", "org.apache.hadoop..", "nom.tam..", "scala..", "com.typesafe..")
        .because("arrays come in and arrays go out: a bare machine with a GPU can use the kernels")
        .check(kernels);
  }
}

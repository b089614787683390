package org.starmill;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
<<<<<<< HEAD
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class HouseRulesTest {
  private final JavaClasses kernels =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("org.starmill");
=======
import org.junit.jupiter.api.Test;
import org.starmill.device.Device;

class HouseRulesTest {
  // Where the kernels' own classes lie: the simulator, which the tests use, may read FITS.
  private final JavaClasses kernels =
      new ClassFileImporter()
          .importUrl(Device.class.getProtectionDomain().getCodeSource().getLocation());
>>>>>>> cbe97660bba78110e60ee35111e21582de833682

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

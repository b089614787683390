package org.starmill.sample;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** A simulator that draws stars with the code under test proves nothing. */
@AnalyzeClasses(
    packages = "org.starmill.sample",
    importOptions = ImportOption.DoNotIncludeTests.class)
class HouseRulesTest {

  @ArchTest
  static final ArchRule theSimulatorSeesNoClassOfPsfOrMeasure =
      noClasses()
          .that()
          .resideInAPackage("org.starmill.sample..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.starmill.psf..", "org.starmill.measure..");

  @ArchTest
  static final ArchRule theSimulatorStandsOnNothingElseOfStarmill =
      noClasses()
          .that()
          .resideInAPackage("org.starmill.sample..")
          .should()
          .dependOnClassesThat(
              com.tngtech.archunit.base.DescribedPredicate.describe(
                  "belong to Starmill but not to the simulator",
                  type ->
                      type.getPackageName().startsWith("org.starmill")
                          && !type.getPackageName().startsWith("org.starmill.sample")));
}

package org.starmill.instrument;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.image.Section;

class SectionTextTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "[1:100,1:50]; 0; 0; 100; 50",
        " [ 11:20 , 3:4 ] ; 10; 2; 10; 2",
        "[*,*]; 0; 0; 100; 50",
        "[:,2:2]; 0; 1; 100; 1",
        "[100:1,50:1]; 0; 0; 100; 50",
        "[7,*]; 6; 0; 1; 50",
        "5:6,7:8; 4; 6; 2; 2"
      })
  void countsFromOneAndIncludesBothEnds(String text, int x, int y, int width, int height) {
    assertThat(SectionText.parse(text, 100, 50)).contains(new Section(x, y, width, height));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[4096:4109]",
        "[1:4096,:]",
        "[0:0,0:0]",
        "[1:101,1:50]",
        "[1:100,1:51]",
        "",
        "[a:b,c:d]",
        "[1:10:2,1:10]",
        "[1:10,1:10,1:3]",
        "[99999999999:1,1:1]"
      })
  void refusesWhatIsNoSectionOfTheImage(String text) {
    assertThat(SectionText.parse(text, 100, 50)).isEmpty();
  }
}

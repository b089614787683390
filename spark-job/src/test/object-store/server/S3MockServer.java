import org.apache.catalina.connector.Connector;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Runs an S3 store for a test, on the loopback address only, until it is killed.
 *
 * <p>A source file that Java runs as it is, with the server's class path: java -cp ... THIS PORT
 */
public class S3MockServer {
  public static void main(String[] arguments) throws Exception {
    String port = arguments[0];
    new SpringApplicationBuilder(
            Class.forName("com.adobe.testing.s3mock.S3MockApplication"), Loopback.class)
        .run(
            "--server.port=0",
            "--server.address=127.0.0.1",
            "--http.port=" + port,
            "--com.adobe.testing.s3mock.store.initial-buckets=stars",
            "--logging.level.root=WARN");
    System.out.println("ready");
  }

  /** Binds every port to the loopback address, which the store itself does not. */
  @Configuration
  public static class Loopback {
    @Bean
    public static BeanPostProcessor loopback() {
      return new BeanPostProcessor() {
        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
          if (bean instanceof Connector connector) {
            connector.setProperty("address", "127.0.0.1");
          }
          return bean;
        }
      };
    }
  }
}

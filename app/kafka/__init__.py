"""The embedded Kafka: what `foldstream demo` and the tests run on when no broker is configured."""

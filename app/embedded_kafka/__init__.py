"""A real Apache Kafka from Python packages: its files, its process, the jars and the Java that it needs."""

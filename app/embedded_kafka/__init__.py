"""Embedded Kafka, a real broker from Python packages: its files, its process, and the jars and the Java that it needs."""

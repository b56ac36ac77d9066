"""Gateway to the owner of a partition: local rows and commands, forwarding, and reads that wait for a write."""

"""The way to a partition's owner: this worker's own rows and commands, forwarding, and reads that wait for what was written."""

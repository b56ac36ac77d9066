"""What `foldstream demo` shows: a small shop, its traffic, a worker that is killed, and the checks against the log."""

"""Implementation of `foldstream demo`: a small shop, its traffic, a worker that is killed, and checks against the log."""

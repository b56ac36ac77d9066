"""Liveness, lag, and what Prometheus scrapes."""

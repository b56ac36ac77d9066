"""Liveness, lag, and metrics for Prometheus."""

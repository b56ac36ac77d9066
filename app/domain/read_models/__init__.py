"""Projections of the shop's read models, as pure functions."""

"""Checks of the write side: results, decisions, events, changelog rows and parked records."""

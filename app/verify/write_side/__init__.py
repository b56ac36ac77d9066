"""What the write side must have done with each command: results, decisions, events, changelog rows, parked records."""

"""Event sourcing without I/O: deciders, the decision about one command, sagas, ids that are derived, recorded events and their history."""

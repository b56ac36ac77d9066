"""Event sourcing without I/O: deciders, the decision about one command, sagas, derived ids, recorded events and their history."""

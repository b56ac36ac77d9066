"""Handlers of commands and events: agents' loops, repositories of aggregates, reactions, saga managers, and projections of lists."""

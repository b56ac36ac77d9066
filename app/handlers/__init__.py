"""Where commands and events meet the runtime: agents' loops, repositories of aggregates, reactions, saga managers, and projections of lists."""

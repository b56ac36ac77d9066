"""What a task knows of the logs that its rows stand on: their identity, their ends, and what its predecessors left open."""

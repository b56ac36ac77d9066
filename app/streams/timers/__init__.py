"""Durable timers: rows of the task, a queue by due time, and ticks that carry the brokers' time."""

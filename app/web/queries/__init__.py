"""Queries behind the routes: rows, lists over all partitions, histories, pages and streams of events."""

"""The routes, by URL prefix."""

"""Routes by URL prefix."""

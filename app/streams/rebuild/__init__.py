"""Read models that are rebuilt beside the live ones, compared with them, and switched."""

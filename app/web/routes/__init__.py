"""Routes, in one file for each first path segment of their URLs; `/healthz` and `/readyz` are in `health`."""

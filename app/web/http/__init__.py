"""HTTP layer of the server: connections and framing, admission, bodies, headers, problems."""

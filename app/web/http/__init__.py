"""What speaks HTTP: connections and framing, admission, bodies, headers, problems."""

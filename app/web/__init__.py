"""HTTP of every worker, which answers for all of them.

* `server`: the socket, and the life cycle.
* `site`: the services, and the routes in the order of the OpenAPI document.
* `routes`: what each URL answers, in one file for each first path segment.
* `monitoring`: liveness, lag, metrics.
* `queries`: rows, lists, histories, streams, pages of events.
* `gateway`: commands, local state, forwarding to a partition's owner, consistency tokens.
* `openapi`, `examples`: what the document says beyond the routes.
* `http`: connections, admission, bodies, headers, problems.
"""

"""The kernel's protocol as a small model: what may happen, step by step, and what must hold in every world that comes of it.

`broker.py` are the broker's rules for transactions, compared with the real one by `test_broker.py`; `world.py` is all there is, as one value;
`exchange.py`, `takeover.py` and `kernel.py` are what a worker does; `schedule.py` is what befalls it; `invariants.py` is what must hold;
`explore.py` goes through every schedule of a small world, or through some by chance; `controls.py` is the kernel without one of its mechanisms.

What a step stands for:

| step of the model | in `app/kernel/` |
|---|---|
| learns that a generation gives it the partition; what stayed is rewound | `tasks.py: on_rebalance, _keep`, `task.py: rewind, retake` |
| asks the group, before and after the fence | `task.py: _until_owned`, `membership.py: confirm` |
| fences (InitProducerId) | `write_task.py: _open`, `transaction.py: producer` |
| reads the changelog, and its position from it | `takeover.py`, `restore.py`, `position.py` |
| claims the partition | `owners.py: claim` |
| fetches; a batch carries the number of the opening | `transport.py`, `record_queue.py`, `work.py: Queue` |
| begins a transaction of commands, or of what is released | `processor.py: transact`, `release.py: follow` |
| writes events and changelog, looks at every answer, commits or aborts | `transaction.py: Transaction` |
| no answer: what may be sent again, and what is an unknown outcome | `release.py`, `task.py: _failed` |
| a refused batch is run in halves, a record alone in one is parked | `intake.py`, `processor.py` |
| writes its store, and answers | `unit.py: commit`, `store.py`, `waiters.py` |
| has its heartbeat answered; reads are shown under the lease only | `membership.py: certain`, `tasks.py: serves` |

Left out: time (a session is over when a schedule says so), more than one partition, rebuilds from the log of record, views.
"""

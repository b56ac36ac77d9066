"""Model of the runtime's protocol: possible steps, and invariants of every world that they lead to.

`broker.py` has the broker's rules for transactions, which `test_broker.py` compares with a real broker; `world.py` the whole world as one value;
`exchange.py`, `takeover.py` and `protocol.py` the behaviour of a worker; `schedule.py` the faults around it; `invariants.py` the invariants.
`explore.py` explores every schedule of a small world, or random ones of a larger; `controls.py` has the protocol without one of its mechanisms.

Steps of the model, and the code that they stand for:

| step of the model | in `app/streams/` |
|---|---|
| learns that a generation gives it the partition; rewinds a task that stays | `runtime/task_manager.py: on_rebalance, _keep`, `tasks/task.py: rewind, retake` |
| asks the group, before and after the fence | `tasks/task.py: _until_owned`, `runtime/membership.py: confirm` |
| fences (InitProducerId) | `tasks/write_task.py: _open`, `kafka/transactions.py: producer` |
| reads the changelog, and its position from it | `recovery/takeover.py`, `recovery/restore.py`, `state/positions.py` |
| claims the partition | `tasks/ownership.py: claim` |
| fetches; a batch carries the number of the incarnation | `runtime/transport.py`, `processing/record_queue.py: BatchQueue` |
| begins a transaction of commands, or of releases | `tasks/write_processor.py: transact`, `parking/release.py: follow` |
| writes events and changelog, checks every answer, commits or aborts | `kafka/transactions.py: Transaction` |
| gets no answer: repeats the request, or has an unknown outcome | `aiokafka_patches/sender.py`, `tasks/task.py: _failed` |
| runs a refused batch in halves, and parks a record refused alone | `parking/guard.py`, `tasks/write_processor.py` |
| writes its store, and answers | `processing/unit_of_work.py: commit`, `state/store.py`, `processing/replies.py` |
| gets its heartbeat answered; serves reads under the lease only | `runtime/membership.py: certain`, `runtime/queryable_state.py: serves` |

Left out: time (a session ends when a schedule says so), more than one partition, rebuilds from the log of record, read models.
"""

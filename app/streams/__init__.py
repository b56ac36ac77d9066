"""The stream-processing runtime on Faust and aiokafka: exactly-once tasks over Kafka partitions. It knows no order and no saga.

* `app`, `application`, `topology`: what a program declares, and what follows from that.
* `runtime`: Faust and the consumer group; opens and closes tasks when partitions come and go.
* `tasks`: one task per partition, of the write side and of the read side.
* `rebuild`: read models rebuilt beside those that are shown.
* `projections`: events into the rows of read models.
* `recovery`: from the changelog and the log back to a consistent store.
* `parking`: records that cannot be processed, and their release.
* `timers`: durable timers, and the time that they go by.
* `processing`: what a handler runs in: the unit of work, the queue of records, replies.
* `logs`: what a task knows of its logs, so that it notices when they are not what they were.
* `state`: the rows of a partition, committed and not yet committed.
* `kafka`: transactions, reading a range of offsets, and clients that end within bounds.
* `aiokafka_patches`: the parts of aiokafka that are replaced.

A record comes in through `runtime.transport`, waits in `processing.record_queue`, passes `parking.guard` on its way to its handler, and what it causes is
committed by `processing.unit_of_work` in one transaction of `kafka.transactions`.
"""

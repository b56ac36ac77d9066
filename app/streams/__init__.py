"""The stream-processing runtime on Faust and aiokafka: exactly-once tasks over Kafka partitions. It contains nothing of the example shop.

* `app`, `application`, `topology`: what a program declares, and the topics, handlers and tasks derived from that.
* `runtime`: Faust and the consumer group; opens and closes tasks when a rebalance assigns or revokes partitions.
* `tasks`: one write task and one view task per partition.
* `rebuild`: rebuilds of read models beside the live ones.
* `projections`: projection of events into the rows of read models.
* `recovery`: restore from the changelog, and rebuild from the log, to a consistent store.
* `parking`: records that cannot be processed, and their release.
* `timers`: durable timers, and the brokers' time by which they are due.
* `processing`: the context of a handler: the unit of work, the queue of records, replies.
* `logs`: what a task knows of its logs, so that it notices when they were cut, deleted or replaced.
* `state`: the rows of a partition, committed and not yet committed.
* `kafka`: transactions, reading a range of offsets, and clients that stop within a time limit.
* `aiokafka_patches`: the parts of aiokafka that are replaced.

A record comes in through `runtime.transport`, waits in `processing.record_queue` and passes `parking.guard` on its way to its handler.
`processing.unit_of_work` commits everything that the handler produced, in one transaction of `kafka.transactions`.
"""

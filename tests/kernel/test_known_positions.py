"""Asking from where is fetched next never waits: a task that is about to seek would wait for it in turn."""

from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faust.types import TP

from app.kernel.consumer_thread import known_positions
from tests.conftest import RunningKafka


async def test_a_position_that_is_not_known_yet_is_left_out(kafka: RunningKafka) -> None:
    topic = f"t{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    await admin.close()
    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=topic, enable_auto_commit=False, auto_offset_reset="none") as consumer:
        consumer.assign([TopicPartition(topic, 0), TopicPartition(topic, 1)])
        consumer.seek(TopicPartition(topic, 0), 7)

        assert known_positions(consumer, [TP(topic, 0), TP(topic, 1), TP("another", 0)]) == {TP(topic, 0): 7}

"""Expectations of an open task about its logs: its topics as they were when it opened, and up to where it has read or written them."""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import TopicPartition

from app.streams.kafka.topic_ids import ClusterIds


class Known(NamedTuple):
    """Topics, and the offsets that their logs must reach: `ends` by partition."""

    cluster: ClusterIds
    ends: Mapping[TopicPartition, int]

    def changed(self, now: ClusterIds) -> str | None:
        """Describe what is different in the topics that the broker has now, or return None."""
        if now.cluster_id != self.cluster.cluster_id:
            return f"the cluster is {now.cluster_id}, and was {self.cluster.cluster_id}"
        return next((what for topic in self.cluster.topic_ids if (what := self._changed(topic, now))), None)

    def cut(self, ends: Mapping[TopicPartition, int]) -> str | None:
        """Describe a log that is shorter than it was, or return None."""
        short = (where for where, end in self.ends.items() if ends.get(where, end) < end)
        return next((f"{where.topic} [{where.partition}] ends at {ends[where]}, and went up to {self.ends[where]}" for where in short), None)

    def _changed(self, topic: str, now: ClusterIds) -> str | None:
        if topic not in now.topic_ids:
            return f"{topic} is missing"
        if now.topic_ids[topic] != self.cluster.topic_ids[topic]:
            return f"{topic} was deleted and created again"
        if now.partitions[topic] != self.cluster.partitions[topic]:
            return f"{topic} has {now.partitions[topic]} partitions, and had {self.cluster.partitions[topic]}"
        return None

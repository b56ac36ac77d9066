"""Explanations of Kafka errors and of unusable listeners, and what an operator can do about them."""

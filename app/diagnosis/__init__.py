"""What an error of Kafka or a listener that cannot be spoken to means, and what an operator can do about it."""

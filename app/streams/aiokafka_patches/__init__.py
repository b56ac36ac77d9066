"""The parts of aiokafka that are replaced, each with the reason; `sender.install` puts all of them in place."""

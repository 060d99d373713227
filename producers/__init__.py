"""Producers: recorded and made-up shop traffic, published to Kafka."""

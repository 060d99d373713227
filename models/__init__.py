"""What Headrace knows about learning and ranking: torch, numpy and River, and nothing of Kafka."""

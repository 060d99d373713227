"""The wiring of Kafka to the models: Faust agents, stores, web pages and commands."""

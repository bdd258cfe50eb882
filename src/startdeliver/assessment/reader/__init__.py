"""The reader of messages: their tone, intent and topic, from sentence embeddings."""

"""How entries become durable together: many of one transaction, gathered by a thread or by the event loop."""

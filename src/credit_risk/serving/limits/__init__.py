"""What bounds the work of the service: connections, requests in flight and a client's share, batches."""

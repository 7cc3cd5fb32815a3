"""What a candidate is judged by while it takes traffic: counts of the service, shadow decisions, sequential tests."""

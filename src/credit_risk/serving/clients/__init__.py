"""Who may ask the service: keys in a file, tokens of a provider, and what each client may do."""

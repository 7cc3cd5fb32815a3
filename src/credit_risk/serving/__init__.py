"""The service: one application in, a recorded decision with reasons out."""

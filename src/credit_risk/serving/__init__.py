"""The service: an application in, a recorded decision with reasons out. It fits, judges and moves no scorer."""

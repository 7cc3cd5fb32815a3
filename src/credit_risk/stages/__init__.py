"""One module for each DVC stage, of the same name: reads, calls, writes."""

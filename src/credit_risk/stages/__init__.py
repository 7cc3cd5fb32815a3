"""One module for each DVC stage, of the same name: reads, calls, writes. A stage imports no other stage."""

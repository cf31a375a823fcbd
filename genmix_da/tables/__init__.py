"""Many pairs, settings, methods and seeds: what to run, and tables of what came out."""

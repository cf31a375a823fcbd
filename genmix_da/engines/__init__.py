"""The engines behind `genmix_da.engine.parse_engine`, one a file."""

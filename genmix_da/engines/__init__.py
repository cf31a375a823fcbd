"""The engines behind `genmix_da.engines.choose.parse_engine`, one a file."""

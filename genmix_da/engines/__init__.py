"""Where work runs: `choose.parse_engine` gives one of the engines, which are one a file."""

"""`python -m genmix_da` is `genmix-da`."""

import sys

from genmix_da.cli import main

sys.exit(main())

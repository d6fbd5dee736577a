"""A module that ends its process when it is imported, as command lines do."""

import sys

sys.exit("no licence")

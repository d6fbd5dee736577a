"""The procedures that are part of the product: a module each, written as by any author."""

SHIPPED = ("procedures.library.ask", "procedures.library.outside")
"""The import paths of the product's own procedure modules, which every site loads."""
OUTSIDE = frozenset({"ask", "outside"})
"""The procedures whose questions come from external programs, not from the site's authors."""

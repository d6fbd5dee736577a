"""The procedures that are part of the product, a module each, like those of any author."""

SHIPPED = ("procedures.library.ask", "procedures.library.outside")
"""The import paths of the product's own procedure modules, which every site loads."""
OUTSIDE = frozenset({"ask", "outside"})
"""The procedures whose questions are written by external programs, not by an author of the site."""

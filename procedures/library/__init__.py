"""The procedures shipped with the product, one per file."""

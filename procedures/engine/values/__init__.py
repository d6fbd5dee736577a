"""Values: their canonical text, types and schemas, sizes, files, and words about them."""

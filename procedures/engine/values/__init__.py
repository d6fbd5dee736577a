"""Values: canonical text, types and schemas, sizes, files, and sentences about them."""

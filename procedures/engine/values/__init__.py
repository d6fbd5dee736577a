"""Values and their canonical JSON, types, schemas, size limits, files and descriptions in words."""

"""Pages in a browser, one noun per file: parse, call one thing, render."""

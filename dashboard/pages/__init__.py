"""What people open in a browser, one noun a file: parse, call one thing, render."""

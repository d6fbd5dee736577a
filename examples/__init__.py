"""Example procedures to read and try out, loaded only by the demo."""

"""The live stream: every change of a session and of a run, numbered, to every open page."""

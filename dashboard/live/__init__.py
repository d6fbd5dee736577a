"""The live stream: every change of a session or a run, numbered, sent to every open page."""

"""The live stream: every change of a session and of a run, to every open page."""

"""The live stream: numbered changes of sessions and runs, sent to every open page."""

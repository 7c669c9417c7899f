"""Reading: fold, audio, pacing, replay server, replay client, diff, exporters, pytest plugin."""

"""The gateway: REST, the loop, transcripts, traces, settings, the command, the composition root."""

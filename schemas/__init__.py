"""The language: frames, dialects, event models, conversation state, cassette format. No I/O."""

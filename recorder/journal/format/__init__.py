"""The format of a record: chain, codecs, splitting, dictionary."""

"""The commands, one file each: read the options, call the engine, hand the result to a view."""

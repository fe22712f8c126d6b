"""Days that pass in minutes: a clock that is set forward, servers with a door, files, an oracle."""

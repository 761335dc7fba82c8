"""What is remembered between runs: settings, submitted jobs, what was compressed from what."""

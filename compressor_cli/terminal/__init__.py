"""What is shown: results on stdout, everything else on stderr."""

"""The pictures of the README: drawn from real runs, compared with what is committed."""

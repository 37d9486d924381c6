"""Reading of untrusted files: it runs in a process of its own, so that a file can end only that."""

"""Text worlds: string in, string out."""

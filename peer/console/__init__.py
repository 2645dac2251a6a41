"""Commands in, sentences out."""

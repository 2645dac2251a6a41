"""The console: it takes commands and answers in sentences."""

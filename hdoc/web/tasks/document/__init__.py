"""Documents: classified, explained, shown and checked."""

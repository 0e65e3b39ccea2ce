"""Text out of documents that are more than text: a file a format, `extract` for all, `sandbox` for safety."""

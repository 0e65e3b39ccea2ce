"""Text to token ids and back to characters: `tokenizer`, how pieces are spelt, and windows in groups."""

"""Development tools, not part of the product: they write and check the docs, and check the vocabulary."""

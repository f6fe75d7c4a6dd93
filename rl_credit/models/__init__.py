"""Networks: decoders of language, their caches, adapters and weights."""

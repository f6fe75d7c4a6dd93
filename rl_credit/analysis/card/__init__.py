"""The credit card of a run: a page of what one must know to trust a comparison."""

"""WebShop (arXiv 2207.01206): finding and buying a product that was described."""

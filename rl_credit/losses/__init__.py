"""Losses: arrays in, a `Weighted` to minimise out."""

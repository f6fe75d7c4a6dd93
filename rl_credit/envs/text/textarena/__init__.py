"""textarena (arXiv 2504.11442): games for one player, in text."""

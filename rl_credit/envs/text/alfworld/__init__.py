"""ALFWorld (arXiv 2010.03768): household tasks in rooms of text."""

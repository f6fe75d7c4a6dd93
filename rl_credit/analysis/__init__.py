"""What runs came to, as tables and pictures."""

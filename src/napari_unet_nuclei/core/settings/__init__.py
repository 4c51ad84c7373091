"""What a user can choose, checked on creation and passed around whole."""

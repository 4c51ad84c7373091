"""The widget that lists models, renames, deletes, copies and compares them."""

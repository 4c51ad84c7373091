"""What napari sees: reader, writer, sample data and the two widgets.

Only this package imports napari, Qt and magicgui.  The manifest names each
entry by its module, so this file stays empty.
"""

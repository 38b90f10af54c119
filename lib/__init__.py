"""What people in a single image are doing: the thin library under the notebooks."""

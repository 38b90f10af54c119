"""Nothing: `cv2` is in `opencv-python-headless`."""

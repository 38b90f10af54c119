"""Related systems that the thesis describes, on our people: other learners, zero-shot CLIP, pose models."""

"""From living systems to batch folders: what is new in each of them becomes the next batch, as files that the loader reads by their contracts."""

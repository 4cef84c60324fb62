"""An example of a page of the panel: the frames of the selected shots."""

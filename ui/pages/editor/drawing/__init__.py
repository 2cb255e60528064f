"""Flow sheet of a draft that is edited by drawing: layout, browser component, and meaning of connections."""

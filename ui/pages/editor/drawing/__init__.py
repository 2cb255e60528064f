"""The flow sheet of a draft that is drawn: its layout, the browser's part, what a line between box and bar means."""

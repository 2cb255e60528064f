"""Entry point of the pages; it only routes. Started by ``emberline app``."""

from emberline.ui.pages import route

route()

"""Entry point of the pages, started by ``emberline app``; it only routes."""

from emberline.ui.pages import route

route()

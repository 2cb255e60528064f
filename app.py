"""The browser's door: routes to the pages, nothing else. Opened by ``emberline app``."""

from emberline.ui.pages import route

route()

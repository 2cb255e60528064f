"""The browser's door: routes to the pages, nothing else. Opened by ``emberline app``."""

from ui.pages import route

route()

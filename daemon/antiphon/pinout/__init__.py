"""Floor 1. The page and the drawing of a board, made from its file: layout.py says where things go, drawing.py draws
them, page.py writes the words. It opens no file.
"""

from antiphon.pinout.drawing import draw
from antiphon.pinout.page import essentials, page

__all__ = ["draw", "essentials", "page"]

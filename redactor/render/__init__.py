"""What hides a code: the region it covers, and what is drawn over it.

What is drawn is a function of the pixels around the hidden regions, of their geometry and of
fixed noise. Hidden pixels are never read.
"""

from redactor.render.effects import draw
from redactor.render.region import difference_outside, hidden_area, region_of

__all__ = ["difference_outside", "draw", "hidden_area", "region_of"]

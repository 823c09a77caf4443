"""The parts of `samples/draw.py`: what a sample is, how it is drawn, lit and stored.

Points are pixels, origin top left, x right, y down; a box is (left, top, right, bottom).
A point names a place between pixels: a symbol of 100 pixels at x = 10 reaches from 10 to 110.
"""

#!/usr/bin/env python
"""Draws the example digits beside this file: strokes of a pen by coordinates, none of them from any data set. Needs Pillow.

    python draw.py [FOLDER]

Each picture differs from MNIST's form in another way: its size, its colours, dark ink on light paper, transparency.
"""

import math
import pathlib
import sys

from PIL import Image, ImageDraw, ImageFilter


def arc(centre, radii, start, end, steps=40):
    """Points of an ellipse, in degrees, clockwise from three o'clock."""
    (x, y), (a, b) = centre, radii
    angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(x + a * math.cos(angle), y + b * math.sin(angle)) for angle in angles]


# Strokes on a field of 100 x 100.
DIGITS = {
    0: [arc((50, 50), (22, 32), -90, 270)],
    2: [arc((50, 36), (19, 19), -165, 50) + [(33, 80), (34, 80), (72, 78)]],
    3: [arc((48, 34), (18, 16), -150, 80) + arc((48, 66), (21, 17), -80, 150)],
    4: [[(43, 18), (27, 58), (74, 56)], [(62, 34), (59, 86)]],
    5: [[(70, 18), (38, 20), (34, 47)] + arc((47, 62), (22, 20), -120, 145)],
    7: [[(28, 22), (72, 20), (48, 84)]],
}


def drawn(digit, side, pen, paper, ink, mode="L", offset=(0, 0), scale=1.0):
    """`pen` is the width of the strokes, of 100."""
    factor = 4  # drawn larger and scaled down, so that the edges of the strokes are smooth
    image = Image.new(mode, (side * factor, side * factor), paper)
    draw = ImageDraw.Draw(image)
    unit = side * factor / 100
    radius = pen * unit / 2
    for stroke in DIGITS[digit]:
        points = [((x * scale + offset[0]) * unit, (y * scale + offset[1]) * unit) for x, y in stroke]
        draw.line(points, fill=ink, width=round(2 * radius), joint="curve")
        for x, y in points:
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=ink)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    # Light on black, as MNIST's, but four times as large.
    drawn(3, 112, 9, 0, 255).save(folder / "3-light-on-black.png", optimize=True)
    # A blue pen on yellowish paper, small and in a corner.
    drawn(7, 140, 5, (244, 238, 214), (28, 52, 140), "RGB", offset=(38, 8), scale=0.55).save(folder / "7-blue-pen.png", optimize=True)
    # Black ink on nothing at all.
    drawn(2, 96, 8, (0, 0, 0, 0), (0, 0, 0, 255), "RGBA").save(folder / "2-transparent.png", optimize=True)
    # A wide sheet, scanned, with a soft pencil.
    sheet = Image.new("L", (200, 120), 226)
    sheet.paste(drawn(5, 110, 8, 226, 60), (70, 5))
    sheet.filter(ImageFilter.GaussianBlur(1)).save(folder / "5-pencil.jpg", quality=85)
    # A thick felt pen.
    drawn(0, 128, 13, 255, 20).save(folder / "0-felt-pen.png", optimize=True)
    drawn(4, 64, 10, 255, 0).save(folder / "4-small.png", optimize=True)


if __name__ == "__main__":
    main()

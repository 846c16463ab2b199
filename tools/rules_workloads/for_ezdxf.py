"""Calls of ezdxf's functions that its tests do not make."""

from __future__ import annotations

import io
import random
import tempfile
from itertools import pairwise
from pathlib import Path

import ezdxf
from attempts import attempt
from ezdxf import disassemble
from ezdxf.edgeminer import Deposit, find_all_open_chains, make_edge
from ezdxf.entities import MText
from ezdxf.entities.mtext_columns import make_static_columns_r2018
from ezdxf.fonts.ttfonts import TTFontRenderer
from ezdxf.lldxf import fileindex
from ezdxf.lldxf.tags import Tags
from ezdxf.lldxf.tagwriter import TagCollector
from ezdxf.math import Vec3
from ezdxf.render import forms
from ezdxf.render.mesh import _make_edge_mapping
from ezdxf.tools.difftags import diff_tags, print_diff
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

RANDOM = random.Random(7)
WORDS = ("the", "quick", "brown", "fox", "jumps", "{\\C1;over}", "\\La lazy\\l", "dog")


def text(words):
    """A text of that many words, in paragraphs."""
    return " ".join(
        RANDOM.choice(WORDS) + ("\\P" if number % 17 == 16 else "") for number in range(words)
    )


def drawing(entities):
    """A document with lines, circles, texts and blocks."""
    document = ezdxf.new("R2010")
    space = document.modelspace()
    document.blocks.new("MARK").add_circle((0, 0), 1)
    for number in range(entities):
        x, y = RANDOM.uniform(0, 100), RANDOM.uniform(0, 100)
        layer = {"layer": f"LAYER {number % 5}", "color": number % 300}
        space.add_line((x, y), (y, x), dxfattribs=layer)
        space.add_circle((x, y), RANDOM.uniform(0.1, 5), dxfattribs=layer)
        space.add_text(f"Room {number}", dxfattribs={"insert": (x, y), "style": "MISSING"})
        space.add_lwpolyline([(x, y), (x + 1, y), (x + 1, y + 1)], close=True)
        space.add_blockref("MARK" if number % 7 else "LOST", (x, y))
    return document


def documents():
    """Checks and listings of documents."""
    for entities in (0, 3, 10, 25, 50, 90):
        document = drawing(entities)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "drawing.dxf"
            document.saveas(path)
            structure = fileindex.load(str(path))
        structure.filename = "drawing.dxf"
        attempt(structure.print)
        attempt(document.validate, print_report=entities % 2 == 0)


def differences():
    """Changes between two versions of an entity."""
    for points in (4, 10, 30, 80, 200):
        space = ezdxf.new("R2010").modelspace()
        line = space.add_lwpolyline([(i, RANDOM.random()) for i in range(points)])
        before = Tags(TagCollector.dxftags(line))
        line.dxf.color, line.dxf.layer = 3, "CHANGED"
        with line.points() as vertices:
            for place in sorted(RANDOM.sample(range(points), points // 4), reverse=True):
                vertices[place] = (RANDOM.random(), 1, 0, 0, 0)
            del vertices[0]
            vertices.append((points, points, 0, 0, 0))
        after = Tags(TagCollector.dxftags(line))
        attempt(print_diff, before, after, list(diff_tags(before, after, ndigits=4)))


def border(entity):
    """The path around an entity."""
    return disassemble.make_primitive(entity).path


def texts():
    """Borders of multi-line texts."""
    for number, words in enumerate((1, 5, 20, 60, 150, 400)):
        where = {"insert": (number, 2), "char_height": 0.5, "attachment_point": number + 1}
        plain = MText.new(dxfattribs=where)
        plain.text = text(words)
        attempt(border, plain)
        narrow = MText.new(dxfattribs={**where, "width": 12.0, "rotation": 15 * number})
        narrow.text = text(words)
        attempt(border, narrow)
        contents = [text(words) for _ in range(number + 1)]
        columns = make_static_columns_r2018(contents, 10.0, 1.0, 0.0, dxfattribs=where)
        columns.columns.total_width = columns.columns.total_height = 0.0
        attempt(border, columns)


def chains():
    """Open chains in loose edges."""
    for count, length in ((1, 5), (3, 8), (5, 9), (8, 10), (10, 12)):
        edges = []
        for row in range(count):
            points = [Vec3(i, row * 10 + RANDOM.random()) for i in range(length)]
            edges += [make_edge(a, b) for a, b in pairwise(points)]
            if row % 3 == 0:
                edges.append(make_edge(points[-2], points[-2] + Vec3(0, 2)))
        RANDOM.shuffle(edges)
        attempt(find_all_open_chains, Deposit(edges))


def meshes():
    """Edges of the faces of bodies."""
    bodies = [forms.cube(), forms.cylinder(24), forms.cone(40), forms.torus(12, 8)]
    bodies += [forms.sphere(16, 10), forms.sphere(40, 25)]
    for body in bodies:
        attempt(_make_edge_mapping, list(body.faces))


def font(characters):
    """A font with square letters."""
    names = {ord(c): f"g{ord(c)}" for c in characters}
    glyphs = {}
    for size, name in enumerate([".notdef", *names.values()], 400):
        pen = TTGlyphPen(None)
        pen.moveTo((50, -100))
        for corner in ((50, size), (size, size), (size, -100)):
            pen.lineTo(corner)
        pen.closePath()
        glyphs[name] = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(names)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (600, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Square", "styleName": "Regular"})
    builder.setupPost()
    file = io.BytesIO()
    builder.save(file)
    return TTFont(io.BytesIO(file.getvalue()), lazy=False)


def fonts():
    """Lengths and outlines of texts."""
    for characters in (" xApbc", " xApdefgh", " " + "".join(map(chr, range(57, 123)))):
        renderer = TTFontRenderer(font(characters))
        for line in ("A bad cap", "The quick brown fox jumps over the lazy dog", "déjà vu"):
            attempt(renderer.get_text_length, line)
            attempt(renderer.get_text_glyph_paths, line, 2.5)


documents()
differences()
texts()
chains()
meshes()
fonts()

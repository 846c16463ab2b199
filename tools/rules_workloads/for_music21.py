"""Calls of music21's functions that its tests do not make."""

from __future__ import annotations

import random
from xml.etree import ElementTree

from attempts import attempt
from music21 import (
    chord,
    converter,
    harmony,
    key,
    midi,
    note,
    roman,
    serial,
    stream,
    tree,
    voiceLeading,
)
from music21.analysis import reduceChords, reduceChordsOld
from music21.analysis.enharmonics import ChordEnharmonicScoreRules, EnharmonicSimplifier
from music21.audioSearch.scoreFollower import ScoreFollower
from music21.common.numberTools import groupContiguousIntegers
from music21.corpus.testCorpus import Test as CorpusTest
from music21.features import jSymbolic, native
from music21.features.base import DataSet
from music21.figuredBass import checker
from music21.graph import axis, findPlot
from music21.midi.tests import Test as MidiTest
from music21.musicxml.test_xmlToM21 import Test as XmlTest
from music21.musicxml.xmlToM21 import MeasureParser
from music21.romanText import tsvConverter
from music21.search.lyrics import Test as LyricsTest

RANDOM = random.Random(21)
NAMES = ("C", "D", "E", "F", "G", "A", "B", "F#", "B-", "C#", "E-", "G#")


def part(octave, measures, lengths=(0.5, 1.0, 1.5)):
    """A part of random notes in 4/4."""
    words = ["tinyNotation: 4/4"]
    values = {0.5: "8", 1.0: "4", 1.5: "4."}
    for _ in range(measures):
        left = 4.0
        while left:
            length = min(RANDOM.choice(lengths), left)
            left -= length
            letter = RANDOM.choice("cdefgab" if octave > 3 else "CDEFGAB")
            words.append(letter + values[length])
    return converter.parse(" ".join(words))


def score(measures, voices=3):
    """A score of random parts."""
    whole = stream.Score()
    for voice in range(voices):
        whole.insert(0, part(4 if voice < voices - 1 else 3, measures))
    return whole


def forget(whole):
    """Drop what the streams have cached: it refers to them weakly, which can't be pickled."""
    for inner in [whole, *whole.recurse(streamsOnly=True)]:
        inner.coreElementsChanged()


def loose(branches):
    """The tree without its weak references."""
    branches.parentTrees, branches.source = set(), None
    return branches


def figures():
    """Chords and numerals, rows and lists of numbers."""
    for size in (2, 3, 4, 5, 6, 8, 12):
        attempt(chord.Chord(RANDOM.sample(NAMES, size)).geometricNormalForm)
        attempt(chord.Chord(RANDOM.choices(range(30, 90), k=size * 2)).geometricNormalForm)
        numbers = RANDOM.sample(range(size**3), min(size**2, size**3 // 2))
        attempt(groupContiguousIntegers, numbers)
    for rules in (ChordEnharmonicScoreRules,), ():
        for names in (["C", "D", "E"], ["D--", "E", "F##"], ["C#", "E", "G#", "B", "D"]):
            attempt(EnharmonicSimplifier(names, *rules).bestPitches)
    for figure in ("C", "Dm7", "F#m7b5", "B-maj7/D", "Gm9", "C7b9#11", "Am7add4", "Eadd2omit5"):
        attempt(harmony.ChordSymbol, figure)
    for figure in ("V7", "vi6", "V/vi", "V7/ii", "viio7/V", "I", "bII6", "ii65/IV", "V/V/V"):
        attempt(getattr, roman.RomanNumeral(figure, key.Key("a")), "functionalityScore")
    for name in ("BergLyricSuite", "WebernOp21", "SchoenbergOp25", "BergViolinConcerto"):
        attempt(serial.getHistoricalRowByName(name).isAllInterval)
    for classes in (range(12), [0, 4, 8], [3] * 12, RANDOM.sample(range(12), 12), range(11)):
        attempt(serial.ToneRow(list(classes)).isTwelveToneRow)
    for value in ("1/2", "3/4", "0", "2.5", "7/8", "11.5/3", "1e-1"):
        attempt(tsvConverter._float_or_frac, value)


def reductions():
    """Chords that stand for more of them."""
    for measures in (1, 2, 3):
        whole = score(measures + 1)
        reducer = reduceChordsOld.ChordReducer()
        attempt(reducer.multiPartReduction, whole, maxChords=measures + 1)
        for number in (1, 2):
            measure = whole.measure(number)
            forget(whole)
            forget(measure)
            attempt(
                reducer.reduceThisMeasure, measure, number, 3, closedPosition=True, forceOctave=4
            )
    for count in (2, 6, 16, 40):
        measure = stream.Measure()
        for _ in range(count):
            top = RANDOM.choice(("E4", "G4", "C5", "A4"))
            measure.append(chord.Chord(["C4", top], quarterLength=0.5))
        spans = measure.asTimespans(classList=(note.NotRest,))
        forget(measure)
        attempt(reduceChords.ChordReducer().collapseArpeggios, loose(spans))
    whole = score(3, 2)
    spans = whole.asTimespans()
    forget(whole)
    attempt(reduceChords.ChordReducer().collapseArpeggios, loose(spans))


def checks():
    """Rules of voice leading, and what sounds together."""
    for measures in (1, 2, 4, 8):
        crossing = checker.voiceCrossing
        attempt(checker.checkSinglePossibilities, score(measures), crossing)
        attempt(checker.checkSinglePossibilities, score(measures, 4), crossing, debug=True)
        for rule in (checker.parallelOctaves, checker.parallelFifths, checker.hiddenFifth):
            attempt(checker.checkConsecutivePossibilities, score(measures, 4), rule, debug=True)
    for measures in (1, 2, 3):
        whole = score(measures)
        spans = loose(whole.asTimespans(classList=(note.Note, chord.Chord)))
        forget(whole)
        for verticality in list(spans.iterateVerticalities())[:4]:
            attempt(getattr, verticality, "bassTimespan")
        for pair in list(spans.iterateVerticalitiesNwise(n=3))[:2]:
            for horizontality in spans.unwrapVerticalities(pair).values():
                attempt(getattr, horizontality, "hasNoMotion")
    for voices in (1, 2, 3, 5, 8):
        line = stream.Part()
        notes = [note.Note(name, quarterLength=1) for name in NAMES[:voices]]
        for element in notes:
            line.append(element)
        together = voiceLeading.Verticality(dict(enumerate(notes)))
        attempt(together.getVerticalityOffset)
        attempt(together.getVerticalityOffset, leftAlign=False)
        attempt(setattr, together, "lyric", f"word {voices}")
        attempt(getattr, together, "lyric")


def trees():
    """Trees that are filled at once."""
    for size in (1, 10, 100, 1000, 5000):
        pairs = [(number * 0.5, f"note {number}") for number in range(size)]
        attempt(tree.core.AVLTree().populateFromSortedList, pairs)
    for measures in (1, 2, 4, 8):
        flat = part(4, measures).flatten()
        pairs = [(element.sortTuple(flat), element) for element in flat]
        forget(flat)
        attempt(loose(tree.trees.ElementTree()).populateFromSortedList, pairs)


def features():
    """Features of pieces."""
    extractors = [jSymbolic.AverageTimeBetweenAttacksForEachVoiceFeature, native.QualityFeature]
    for measures in (1, 2, 4):
        data = DataSet(classLabel="Kind")
        data.runParallel = False
        data.addFeatureExtractors([*extractors, jSymbolic.BasicPitchHistogramFeature])
        for number in range(3):
            piece = score(measures, number + 1)
            for voice in piece.parts:
                voice.measure(1).insert(0, key.Key("C" if number else "a"))
            data.addData(piece, classValue=f"kind {number}", id=f"piece {number}")
        attempt(data.process)
        attempt(data.getFeaturesAsList)
        attempt(data.getFeaturesAsList, concatenateLists=False, includeId=False)


def plots():
    """Axes of graphs."""
    for low, high in ((1, 9), (7, 80), (712, 2213), (-40, 40), (0, 1), (3, 3), (0, 99_999)):
        plain = axis.Axis()
        plain.minValue, plain.maxValue = low, high
        attempt(plain.ticks)
    attempt(findPlot.getAxisQuantities)
    attempt(findPlot.getAxisQuantities, synonyms=True)
    attempt(findPlot.getAxisQuantities, axesToCheck=[axis.CountingAxis, axis.OffsetAxis])
    attempt(findPlot.getAxisQuantities, True, [axis.PitchClassAxis, axis.DynamicsAxis] * 10)


def files():
    """What comes out of MIDI and MusicXML, and what follows a player."""
    for count in (1, 5, 50, 400):
        track = midi.MidiTrack(index=2)
        for _ in range(count):
            kind = RANDOM.choice(list(midi.ChannelVoiceMessages))
            track.events.append(midi.DeltaTime(track, time=1000))
            event = midi.MidiEvent(track, type=kind, channel=RANDOM.randrange(1, 16))
            track.events.append(event)
        attempt(track.getChannels)
    parser = MeasureParser()
    parser.pedalToStartOffset = {}  # a weak dictionary can't be pickled
    for diatonic, chromatic, octaves in ((-1, -2, 0), (-5, -9, 0), (-1, -2, -1), (2, 3, 0)):
        element = ElementTree.Element("transpose", {"id": "x"})
        ElementTree.SubElement(element, "diatonic").text = str(diatonic)
        ElementTree.SubElement(element, "chromatic").text = str(chromatic)
        if octaves:
            ElementTree.SubElement(element, "octave-change").text = str(octaves)
        attempt(parser.xmlTransposeToInterval, element)
    for count in (1, 3, 10, 100):
        follower = ScoreFollower(part(4, 1))
        attempt(follower.silencePeriodDetection, [note.Rest() for _ in range(count)])
        attempt(follower.silencePeriodDetection, [note.Rest(), note.Note("D4")] * count)


def scenarios():
    """Whole pieces of work that are written down as tests."""
    for test in (
        CorpusTest("testDesPrezImport"),
        CorpusTest("testGetPaths"),
        MidiTest("testInternalDataModel"),
        MidiTest("testReadPolyphonicKeyPressure"),
        XmlTest("testMultipleStavesPerPartC"),
        LyricsTest("testMultipleVerses"),
        roman.TestExternal("testFromChordify"),
    ):
        test.show = False
        for test.maxDiff in (80, None):
            attempt(getattr(test, test._testMethodName))


figures()
reductions()
checks()
trees()
features()
plots()
files()
scenarios()

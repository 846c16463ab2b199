"""Calls of mingus's functions that its tests do not make."""

import random

from attempts import attempt
from mingus.containers import Bar, NoteContainer, Track
from mingus.containers.instrument import MidiInstrument
from mingus.extra import tablature, tunings
from mingus.midi.sequencer import Sequencer

CHORDS = [
    *(["C-3", "E-3", "G-3", "C-4"], ["A-2", "E-3", "A-3", "C-4", "E-4"], ["E-2", "B-2", "E-3"]),
    *(["G-2", "B-2", "D-3", "G-3"], ["F-3", "A-3", "C-4"], ["D-3", "A-3"], ["E-4"]),
]
MELODY = ["C-4", "D-4", "E-4", "F-4", "G-4", "A-4", "B-4", "C-5", "E-3", "G-3", "A-3", "B-3"]


def filled(rng, meter, length, chords):
    """A bar full of notes of one length."""
    bar = Bar("C", meter)
    while not bar.is_full():
        notes = rng.choice(CHORDS) if chords else rng.choice(MELODY)
        if not bar.place_notes(notes, length):
            break
    return bar


def tabs(rng):
    bass = tunings.get_tuning("Bass guitar", "Standard", 4, 1)
    for chord in CHORDS:
        attempt(tablature.from_NoteContainer, NoteContainer(chord))
    attempt(tablature.from_NoteContainer, NoteContainer(["E-1", "B-1"]), 40, bass)
    attempt(tablature.from_NoteContainer, NoteContainer(["A-1", "G-2"]), width=120, tuning=bass)
    for meter, length, chords, width in (
        ((4, 4), 4, True, 40),
        ((4, 4), 8, False, 80),
        ((3, 4), 8, True, 60),
        ((6, 8), 8, False, 60),
        ((4, 4), 16, False, 160),
        ((4, 4), 32, False, 300),
    ):
        attempt(tablature.from_Bar, filled(rng, meter, length, chords), width)
    rest = filled(rng, (4, 4), 4, False)
    rest.bar[1][2] = None
    attempt(tablature.from_Bar, rest, 60, None, False)


def tracks(rng):
    for voices, bars, length in ((1, 4, 4), (2, 8, 8), (3, 16, 4), (4, 12, 8), (2, 40, 16)):
        playing = []
        for voice in range(voices):
            instrument = MidiInstrument()
            instrument.name = rng.choice(MidiInstrument.names)
            track = Track(instrument if voice % 2 == 0 else None)
            for _ in range(bars):
                track.add_bar(filled(rng, (4, 4), length, voice % 2 == 1))
            playing.append(track)
        channels = list(range(1, voices + 1))
        attempt(Sequencer().play_Tracks, playing, channels, rng.choice((90, 120, 140)))


def main():
    rng = random.Random(4)
    tabs(rng)
    tracks(rng)


if __name__ == "__main__":
    main()

"""Correct the words of some text (README: quick start; distance 1 and 2)."""

from spellchecker import SpellChecker

spell = SpellChecker()
TEXT_TEXT = """
Teh quik brwon fox jmups ovver the lazzy dog becuase somthing is happning heer and nobdy knwos
waht will ocur wen the recieved mesage is finaly seperate from definately wrng acommodation
embarasment
"""
text = TEXT_TEXT.split()
misspelt = sorted(spell.unknown(text))
for word in misspelt:
    print(word, spell.correction(word), len(spell.candidates(word) or ()))
spell.distance = 1
for word in misspelt:
    print(word, spell.correction(word))

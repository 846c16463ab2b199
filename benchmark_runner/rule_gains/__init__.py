"""How much a rule's cases gain at three sizes, under an interpreter or a compiler."""

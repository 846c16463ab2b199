"""Who proposes candidates: the catalogue of rules, and any language model."""

"""What kinds of yield there are to tell apart: where they lie, and so what they can be made from."""

IN_PLACE = ("tree", "files", "code")  # change an input where it stands, so that is never what an earlier step yields
PACKAGED = ("code", "tests")  # lie in a package of source code, which is tried on draws of its own
DRAWN = ("tree", "files", "code", "tests")  # either of the two: they take only what was drawn, and nobody names a file for them
READ = {"message": ("person",)}  # texts that a person reads, which a rubric may judge, with the words that its questions may use

import unittest

from repeats import repeats

MONDAY, TUESDAY = "2026-03-09", "2026-03-10"


def rows(*triples):
    return [{"__KEY__": key, "__GROUP__": name, "__WHEN__": day} for key, name, day in triples]


class RepeatsTest(unittest.TestCase):
    def test_both(self):
        given = rows(("k1", "a", MONDAY), ("k2", "a", TUESDAY), ("k3", "b", TUESDAY))
        self.assertEqual(repeats(given), [])

    def test_first(self):
        given = rows(("k2", "a", MONDAY), ("k1", "a", MONDAY))
        self.assertEqual(repeats(given), [{"key": "k2", "first": "k1"}])

    def test_three(self):
        given = rows(("k1", "a", MONDAY), ("k2", "a", MONDAY), ("k3", "a", MONDAY))
        self.assertEqual(repeats(given), [{"key": "k2", "first": "k1"}, {"key": "k3", "first": "k1"}])

    def test_order(self):
        given = rows(("k1", "a", MONDAY), ("k2", "b", MONDAY), ("k3", "b", MONDAY), ("k4", "a", MONDAY))
        self.assertEqual([entry["key"] for entry in repeats(given)], ["k3", "k4"])

    def test_blank(self):
        given = rows(("k1", "a", None), ("k2", "a", None), ("k3", None, MONDAY), ("k4", None, MONDAY))
        self.assertEqual(repeats(given), [])


if __name__ == "__main__":
    unittest.main()

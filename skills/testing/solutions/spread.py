import unittest

from spread import spread


def rows(*pairs):
    return [{"__GROUP__": name, "__MEASURE__": amount} for name, amount in pairs]


def entry(name, low, high, between):
    return {"group": name, "lowest": low, "highest": high, "spread": between}


class SpreadTest(unittest.TestCase):
    def test_numbers(self):
        given = rows(("a", "10.00"), ("a", "9.00"))
        self.assertEqual(spread(given), [entry("a", "9.00", "10.00", "1.00")])

    def test_order(self):
        given = rows(("a", "1.00"), ("a", "2.00"), ("b", "1.00"), ("b", "4.00"))
        self.assertEqual([e["group"] for e in spread(given)], ["b", "a"])

    def test_tie(self):
        given = rows(("b", "1.00"), ("b", "2.00"), ("a", "3.00"), ("a", "4.00"))
        self.assertEqual([e["group"] for e in spread(given)], ["a", "b"])

    def test_single(self):
        given = rows(("a", "1.00"), ("a", "2.00"), ("b", "5.00"))
        self.assertEqual(spread(given), [entry("a", "1.00", "2.00", "1.00")])

    def test_level(self):
        self.assertEqual(spread(rows(("a", "1.00"), ("a", "1.00"))), [entry("a", "1.00", "1.00", "0.00")])

    def test_blank(self):
        given = rows(("a", "2.00"), ("a", "3.00"), ("a", None))
        self.assertEqual(spread(given), [entry("a", "2.00", "3.00", "1.00")])

    def test_nothing(self):
        self.assertEqual(spread([]), [])


if __name__ == "__main__":
    unittest.main()

import unittest

from gaps import between, gaps

ROWS = __ROWS__

EXPECTED = __EXPECTED__


class BetweenTest(unittest.TestCase):
    def test_over_the_end_of_a_month(self):
        self.assertEqual(between("2026-02-27", "2026-03-02"), 3)


class GapsTest(unittest.TestCase):
    maxDiff = None

    def test_known_rows(self):
        self.assertEqual(gaps(ROWS), EXPECTED)

    def test_nothing(self):
        self.assertEqual(gaps([]), [])


if __name__ == "__main__":
    unittest.main()

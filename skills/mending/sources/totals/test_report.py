import unittest

from report import totals

ROWS = __ROWS__

EXPECTED = __EXPECTED__


class TotalsTest(unittest.TestCase):
    maxDiff = None

    def test_known_rows(self):
        self.assertEqual(totals(ROWS), EXPECTED)

    def test_nothing(self):
        self.assertEqual(totals([]), [])


if __name__ == "__main__":
    unittest.main()

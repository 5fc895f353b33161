import unittest

from contacts import latest

ROWS = __ROWS__

EXPECTED = __EXPECTED__


class LatestTest(unittest.TestCase):
    maxDiff = None

    def test_known_rows(self):
        self.assertEqual(latest(ROWS), EXPECTED)

    def test_nothing(self):
        self.assertEqual(latest([]), [])


if __name__ == "__main__":
    unittest.main()

import unittest

from ranking import ranking

ROWS = __ROWS__

EXPECTED = __EXPECTED__


class RankingTest(unittest.TestCase):
    maxDiff = None

    def test_known_rows(self):
        self.assertEqual(ranking(ROWS), EXPECTED)

    def test_nothing(self):
        self.assertEqual(ranking([]), [])


if __name__ == "__main__":
    unittest.main()

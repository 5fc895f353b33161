import unittest

from best import best, sizes

ROWS = __ROWS__

EXPECTED = __EXPECTED__


class SizesTest(unittest.TestCase):
    def test_no_more_than_there_are(self):
        self.assertLessEqual(sum(sizes(ROWS).values()), len(ROWS))


class BestTest(unittest.TestCase):
    maxDiff = None

    def test_known_rows(self):
        self.assertEqual(best(ROWS), EXPECTED)

    def test_nothing(self):
        self.assertEqual(best([]), [])


if __name__ == "__main__":
    unittest.main()

import unittest
from decimal import Decimal

from balance import complete, running, total

ROWS = __ROWS__

EXPECTED = __EXPECTED__


class TotalTest(unittest.TestCase):
    def test_nothing(self):
        self.assertEqual(total([]), Decimal(0))

    def test_complete_rows_are_in_the_data(self):
        self.assertLessEqual(len(complete(ROWS)), len(ROWS))


class RunningTest(unittest.TestCase):
    maxDiff = None

    def test_known_rows(self):
        self.assertEqual(running(ROWS), EXPECTED)

    def test_nothing(self):
        self.assertEqual(running([]), [])


if __name__ == "__main__":
    unittest.main()

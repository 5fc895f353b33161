import unittest

from summary import summary

ROWS = __ROWS__

EXPECTED = __EXPECTED__


class SummaryTest(unittest.TestCase):
    maxDiff = None

    def test_totals_as_before(self):
        self.assertEqual([(e["group"], e["total"]) for e in summary(ROWS)], [(e["group"], e["total"]) for e in EXPECTED])

    def test_all_there_is(self):
        self.assertEqual(summary(ROWS), EXPECTED)

    def test_nothing(self):
        self.assertEqual(summary([]), [])


if __name__ == "__main__":
    unittest.main()

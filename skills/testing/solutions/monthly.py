import unittest

from monthly import monthly


def rows(*pairs):
    return [{"__WHEN__": day, "__MEASURE__": amount} for day, amount in pairs]


class MonthlyTest(unittest.TestCase):
    def test_sum(self):
        given = rows(("2026-03-02", "1.25"), ("2026-03-02", "2.25"), ("2026-03-31", "4.25"))
        self.assertEqual(monthly(given), [{"month": "2026-03", "total": "7.75", "entries": 3}])

    def test_order(self):
        given = rows(("2026-05-01", "1.25"), ("2026-03-01", "1.25"), ("2026-04-01", "1.25"))
        self.assertEqual([entry["month"] for entry in monthly(given)], ["2026-03", "2026-04", "2026-05"])

    def test_years(self):
        given = rows(("2025-03-09", "1.25"), ("2026-03-09", "2.25"))
        expected = [{"month": "2025-03", "total": "1.25", "entries": 1}, {"month": "2026-03", "total": "2.25", "entries": 1}]
        self.assertEqual(monthly(given), expected)

    def test_blank(self):
        given = rows(("2026-03-02", "1.25"), ("2026-03-03", None), (None, "2.25"))
        self.assertEqual(monthly(given), [{"month": "2026-03", "total": "1.25", "entries": 1}])

    def test_decimals(self):
        self.assertEqual(monthly(rows(("2026-03-02", "12.50")))[0]["total"], "12.50")

    def test_nothing(self):
        self.assertEqual(monthly([]), [])


if __name__ == "__main__":
    unittest.main()

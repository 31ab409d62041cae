import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { median, quantile, quantilesOf, readable, usualQuantiles } from "../../bench/figures.js";
import { parseReport, type Report, reportText } from "../../bench/report/json.js";
import { performanceDocument } from "../../bench/report/markdown.js";
import { svg } from "../../bench/report/svg.js";
import { byQuantity, drawing, outcomeText, quantileName, table } from "../../bench/report/table.js";
import { complaints, limitText, ratio, verdictOf } from "../../bench/report/verdict.js";
import type { Bound, Distribution, Outcome } from "../../bench/scenarios/scenario.js";

const bound = (over: Partial<Bound>): Bound => ({ what: "cost", unit: "times", value: 1, most: 1.15, ...over });

const lateness: Distribution = {
  case: "1000 <servers>",
  subject: "ours & theirs",
  quantity: "lateness",
  unit: "ms",
  quantiles: [
    [0, 0],
    [0.5, 1],
    [0.99, 10],
    [1, 100],
  ],
};

const outcome = (over: Partial<Outcome> = {}): Outcome => ({
  conditions: { servers: 1000 },
  figures: [{ case: "TCP", subject: "holdfast", quantity: "cost", unit: "µs", rounds: [44, 40, 42] }],
  bounds: [bound({})],
  distributions: [lateness],
  faults: [],
  ...over,
});

const report = (over: Partial<Report> = {}): Report => ({
  format: "holdfast-bench",
  version: 1,
  run: "first",
  scenario: "check-cost",
  question: "How much?",
  quick: false,
  at: "2026-01-01T00:00:00.000Z",
  seconds: 10,
  machine: { cpu: "a|b", processors: 2, kernel: "6.1", versions: { node: "v20" }, openFiles: "20000" },
  ...outcome(),
  ...over,
});

describe("statistics", () => {
  test("median: of none, odd and even", () => {
    assert.deepEqual([median([]), median([3, 1, 2]), median([4, 1, 2, 3])], [Number.NaN, 2, 2.5]);
  });

  test("quantiles are values that occurred, ascending, from the least to the most", () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1e6 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, (sample) => {
        const found = quantilesOf(sample).map(([, value]) => value);
        assert.equal(found.length, usualQuantiles.length);
        assert.equal(found[0], Math.min(...sample));
        assert.equal(found.at(-1), Math.max(...sample));
        assert.deepEqual(
          found,
          found.toSorted((a, b) => a - b),
        );
        assert.ok(found.every((value) => sample.includes(value)));
      }),
    );
  });

  test("p99 of 1,000 values leaves ten above or at it", () => {
    const values = Array.from({ length: 1000 }, (_, i) => i);
    assert.equal(quantile(quantilesOf(values), 0.99), 990);
    assert.deepEqual(quantilesOf([]), []);
  });

  test("numbers have the digits that a reader can use", () => {
    const texts = [0.1234, 1.234, 12.34, 123.4, 12_345, Number.NaN, Number.POSITIVE_INFINITY].map(readable);
    assert.deepEqual(texts, ["0.123", "1.23", "12.3", "123", "12,345", "-", "-"]);
  });
});

describe("verdicts", () => {
  const rows: readonly (readonly [string, Partial<Bound>, ReturnType<typeof verdictOf>])[] = [
    ["at its limit", { value: 1.15 }, "reached"],
    ["above the most", { value: 1.151 }, "not reached"],
    ["never came to an end", { value: Number.POSITIVE_INFINITY }, "not reached"],
    ["not there", { value: undefined }, "not measured"],
    ["not a number", { value: Number.NaN }, "not measured"],
  ];
  for (const [name, over, verdict] of rows) test(name, () => assert.equal(verdictOf(bound(over)), verdict));

  test("a least value", () => {
    const least: Omit<Bound, "value"> = { what: "rate", unit: "times", least: 15 };
    const verdicts = [14.9, 15, 16].map((value) => verdictOf({ ...least, value }));
    assert.deepEqual(verdicts, ["not reached", "reached", "reached"]);
    assert.equal(limitText({ ...least, value: 1 }), ">= 15");
  });

  test("faults and missed numbers are told apart; what was not measured is neither", () => {
    const all = complaints(
      outcome({ bounds: [bound({}), bound({ value: 2 }), bound({ value: undefined })], faults: ["lost"] }),
    );
    assert.deepEqual(all, { faults: ["lost"], missed: ["cost: 2.00 times, to be <= 1.15"] });
  });

  test("a ratio needs both sides", () => {
    assert.deepEqual(
      [ratio(1, 2), ratio(undefined, 2), ratio(1, undefined), ratio(1, 0)],
      [0.5, undefined, undefined, undefined],
    );
  });
});

describe("what is printed", () => {
  test("a table: numbers to the right, words to the left", () => {
    const text = table(
      ["name", "µs"],
      [
        ["ours", "1.5"],
        ["theirs", "12"],
      ],
    );
    assert.equal(text, "name     µs\nours    1.5\ntheirs   12");
  });

  test("conditions, figures with their spread, and verdicts", () => {
    const text = outcomeText(outcome());
    assert.match(text, /servers: 1000/);
    assert.match(text, /TCP +holdfast +cost +42\.0 +40\.0 +44\.0 +µs/);
    assert.match(text, /cost +1\.00 +<= 1\.15 +times +reached/);
  });

  test("bars grow with the value, on one logarithmic scale", () => {
    const lengths = drawing([lateness])
      .split("\n")
      .slice(1)
      .map((line) => (/#+$/.exec(line)?.[0] ?? "").length);
    assert.deepEqual(lengths, [0, 0, 20, 40]);
  });

  test("quantiles have names", () => {
    assert.deepEqual([0, 0.5, 0.999, 0.9999, 1].map(quantileName), ["min", "p50", "p99.9", "p99.99", "max"]);
  });

  test("subjects of one case and quantity share a drawing", () => {
    const other = { ...lateness, subject: "theirs" };
    const groups = byQuantity([lateness, { ...lateness, case: "else" }, other]);
    assert.deepEqual(
      groups.map(([, group]) => group.length),
      [2, 1],
    );
  });
});

describe("SVG", () => {
  test("one curve per subject with finite points, markup in names escaped", () => {
    const text = svg("a < b", [lateness, { ...lateness, subject: "theirs" }]);
    assert.match(text, /^<svg [^>]+>/);
    assert.match(text, /ours &amp; theirs/);
    assert.match(text, /1000 &lt;servers&gt;/);
    const curves = [...text.matchAll(/<polyline points="([^"]+)"/g)].map(([, points = ""]) => points);
    assert.equal(curves.length, 2);
    const numbers = curves.join(" ").split(/[ ,]/).map(Number);
    assert.ok(numbers.every(Number.isFinite), curves.join("; "));
  });

  test("a larger value is higher up, a higher quantile further right", () => {
    const points = /<polyline points="([^"]+)"/.exec(svg("", [lateness]))?.[1]?.split(" ") ?? [];
    const pairs = points.map((point) => point.split(",").map(Number));
    for (const [i, [x = 0, y = 0]] of pairs.entries()) {
      const [beforeX = x - 1, beforeY = y] = pairs[i - 1] ?? [];
      assert.ok(x > beforeX && y <= beforeY, points.join(" "));
    }
  });

  test("nothing but zeros, and nothing at all, are still drawings", () => {
    const zeros = svg("", [
      {
        ...lateness,
        quantiles: [
          [0, 0],
          [1, 0],
        ],
      },
    ]);
    assert.doesNotMatch(zeros, /NaN|Infinity/);
    assert.doesNotMatch(svg("", []), /NaN|Infinity/);
  });
});

describe("reports", () => {
  test("are read as they were written", () => {
    assert.deepEqual(parseReport(reportText(report()), "x"), report());
  });

  test("of another shape are refused by name", () => {
    for (const text of [
      "{}",
      "null",
      '{"format":"holdfast-bench","version":2}',
      JSON.stringify({ ...report(), bounds: 1 }),
    ])
      assert.throws(() => parseReport(text, "x.json"), /x\.json: no report/, text);
  });
});

describe("docs/performance.md", () => {
  const missed = report({ bounds: [bound({ value: 2 })] });

  test("each number with its verdict, what was missed in bold, with what was tried", () => {
    const text = performanceDocument([missed], { "check-cost": ["A cheaper loop: 1.9."] });
    assert.match(text, /\| check-cost \| cost \| 2\.00 \| <= 1\.15 \| times \| \*\*not reached\*\* \|/);
    assert.match(text, /Not reached; what was tried:\n\n- A cheaper loop: 1\.9\./);
  });

  test("a missed number without a word about it shows", () => {
    assert.match(performanceDocument([missed], {}), /nothing was noted/);
    assert.doesNotMatch(performanceDocument([report()], {}), /nothing was noted/);
  });

  test("lost work and quick runs show", () => {
    const text = performanceDocument([report({ faults: ["3 lost"], quick: true })], {});
    assert.match(text, /lost or wrong:\*\*\n\n- 3 lost/);
    assert.match(text, /--quick/);
  });

  test("reports of two runs, and none, make no document", () => {
    assert.throws(() => performanceDocument([report(), report({ run: "second" })], {}), /several runs: first, second/);
    assert.throws(() => performanceDocument([], {}), /no reports/);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../main/config/load.js";
import type { BodyPattern } from "../../main/config/model-checks.js";
import type { PatternVerdict } from "../../main/config/ports.js";
import { checkReport, plain } from "../../main/config/report-text.js";
import { fakeHost, MAIN_FILE, service } from "./config-fake-host.js";

/** A `regex` that PCRE2 refuses: found where it stands, once for all places, and without the add-on said to be unchecked. */

const page = (regex: string): string => service("", `HTTP_GET {\nurl {\npath /\n${regex}\n}\n}`);

function read(text: string, checkPattern?: (pattern: BodyPattern) => PatternVerdict) {
  const host = fakeHost({ [MAIN_FILE]: text }, checkPattern === undefined ? {} : { checkPattern });
  const { config, diagnostics } = loadConfig(MAIN_FILE, host);
  const bodies = config?.virtualServers.flatMap(({ realServers }) =>
    realServers.flatMap(({ checks }) =>
      checks.flatMap((check) => (check.type === "HTTP_GET" ? check.urls.map(({ body }) => body?.pattern) : [])),
    ),
  );
  return { diagnostics, bodies };
}

const bad = (offset: number) => (): PatternVerdict => ({ is: "bad", message: "quantifier does not follow", offset });

for (const { name, line, offset, column } of [
  { name: "a bare word", line: "regex a*b*", offset: 2, column: 9 },
  { name: "a quoted word", line: '  regex "a (b"', offset: 4, column: 14 },
  { name: "single quotes", line: "regex 'a (b'", offset: 2, column: 10 },
  { name: "octets are not columns", line: 'regex "é*+*"', offset: 3, column: 10 },
  { name: "behind an escape", line: 'regex "\\\\d(\\x41" ', offset: 2, column: 11 },
  { name: "an escape", line: 'regex "a\\\\d("', offset: 1, column: 9 },
  { name: "the end of a quoted pattern", line: 'regex "(\\\\d"  ', offset: 3, column: 12 },
  { name: "the end, an escape", line: 'regex "(\\\\"', offset: 2, column: 11 },
  { name: "the end of a bare pattern", line: "regex (a", offset: 2, column: 9 },
  { name: "a pattern that is also in its keyword", line: "regex ex(", offset: 3, column: 10 },
]) {
  test(`place of the mistake: ${name}`, () => {
    const [finding] = read(page(line), bad(offset)).diagnostics;
    assert.equal(finding?.code, "CFG_REGEX");
    assert.equal(finding.severity, "warning");
    assert.equal(finding.at?.column, column);
    assert.match(finding.message, new RegExp(`quantifier does not follow at offset ${offset}`));
  });
}

test("the mark stands at the offset in the line", () => {
  const { diagnostics } = read(page('regex "status: (ok|fine"'));
  const report = checkReport(
    [],
    diagnostics.map((found) => ({ ...found, main: MAIN_FILE })),
    plain,
  );
  assert.match(report, /^ {4}regex "status: \(ok\|fine"\n {4}( {23})\^\n/m);
});

test("a pattern from a definition is reported where it is used", () => {
  const [finding] = read(`$P=(a\n${page("regex $P")}`).diagnostics;
  assert.equal(finding?.code, "CFG_REGEX");
  assert.equal(finding.at?.line, 11);
});

test("a refused pattern is left out, the others stay", () => {
  const { bodies } = read(page("regex (a\n}\nurl {\npath /b\nregex fine"));
  assert.deepEqual(bodies, [undefined, "fine"]);
});

test("one finding for a pattern, however often it stands there; another one for other options", () => {
  let asked = 0;
  const line = 'regex "(a"\n}\nurl {\npath /b\nregex "(a"\n}\nurl {\npath /c\nregex "(a"\nregex_options caseless';
  const { diagnostics } = read(page(line), (pattern) => {
    asked++;
    return bad(pattern.options.length)();
  });
  assert.equal(asked, 2);
  assert.deepEqual(
    diagnostics.map(({ at, message }) => [at?.line, /\(and in 1 more place\)/.test(message)]),
    [
      [10, true],
      [18, false],
    ],
  );
});

test("without the add-on one warning says so, and the patterns stay", () => {
  const { diagnostics, bodies } = read(page("regex (a\n}\nurl {\npath /b\nregex fine"), () => ({
    is: "unchecked",
    why: "MODULE_NOT_FOUND",
  }));
  assert.deepEqual(
    diagnostics.map(({ code, at }) => [code, at?.line]),
    [["CFG_ADVICE", 10]],
  );
  assert.match(diagnostics[0]?.message ?? "", /not checked: .*MODULE_NOT_FOUND/);
  assert.deepEqual(bodies, ["(a", "fine"]);
});

test("nobody is asked about a file without a pattern", () => {
  const { diagnostics } = read(page("digest 00112233445566778899aabbccddeeff"), () => assert.fail("asked"));
  assert.deepEqual(diagnostics, []);
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { Diagnostics } from "../../main/config/diagnostics.js";
import { formatConfig } from "../../main/config/format/format.js";
import { splitEscaped } from "../../main/config/script-line.js";
import { StatementSource } from "../../main/config/statement-source.js";
import { projectRoot } from "../harness/project.js";
import { fakeHost, load, MAIN_FILE } from "../unit/config-fake-host.js";

const format = (text: string): string => formatConfig(text).text;
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

function assertIdempotent(text: string): void {
  const once = format(text);
  assert.equal(format(once), once);
}

/** Files that the generated configurations may include, a fragment of a block among them. */
const included = { "/etc/holdfast/part.conf": "priority 120\n}\nglobal_defs {\n", "/etc/holdfast/a b": "x 1\n" };

/** What the loader understands, and what it says: codes and sentences, without positions. */
function meaning(text: string): unknown {
  const { config, diagnostics, missing } = load(bytes(text), included);
  const plain = (key: string, value: unknown): unknown => (key === "at" ? undefined : value);
  // One finding is made for each line that is not UTF-8: split lines have more of them.
  const findings = diagnostics.filter(({ message }) => !message.includes("not valid UTF-8"));
  // Sentences about a line that may hold a secret do not quote it, and which lines those are depends on what is split.
  const quotes = !/pas|pwd|auth|key|secret/i.test(text);
  const said = findings.map(({ code, message }) => (quotes ? `${code} ${message.replace(/\s+/g, " ")}` : code));
  // Sorted: the lexer looks at a whole line before the reader sees its first statement.
  return { config: JSON.stringify(config, plain), said: said.sort((a, b) => (a < b ? -1 : 1)), missing };
}

const scripts = ["script", "notify", "notify_master", "misc_path", "quorum_up", "regex", "notify_fifo_script"];

/** What the reader gets: braces, words, and the text of scripts, which it reads by rules of their own. */
function statements(text: string): unknown {
  const host = fakeHost({ [MAIN_FILE]: bytes(text), ...included });
  const source = new StatementSource(MAIN_FILE, host, new Diagnostics());
  const all: unknown[] = [];
  for (let statement = source.next(); statement !== undefined; statement = source.next()) {
    if (statement.kind !== "words") all.push(statement.kind);
    else {
      const words = statement.words.map((word) => word.text);
      all.push(words, scripts.includes(words[0] ?? "") && splitEscaped(statement.raw.trim()));
    }
  }
  return all;
}

function assertSameMeaning(text: string): void {
  assert.deepEqual(statements(format(text)), statements(text));
  assert.deepEqual(meaning(format(text)), meaning(text));
}

/** The configurations in the repository; golden files hold the expected result below the text. */
const files: readonly string[] = ["test/golden/config", "examples/lvs-dr", "test/compat/config"].flatMap((folder) => {
  const all = attemptList(path.join(projectRoot, folder));
  return all.filter((name) => name.endsWith(".conf")).map((name) => path.join(projectRoot, folder, name));
});

function attemptList(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return []; // a corpus that is not there yet
  }
}

const texts = files.map((file) => readFileSync(file, "latin1").split("\n======== result ========\n")[0] ?? "");

test("files of the repository keep their meaning, and are canonical after one pass", () => {
  assert.ok(texts.length >= 8);
  for (const text of texts) {
    assertIdempotent(text);
    assertSameMeaning(text);
  }
});

const blanks = fc.constantFrom(" ", " ", "  ", "\t", " \t ", "\f", "\v", "\r", "\xA0");
const word = fc.constantFrom(
  ...["a", "10.0.0.1", "::1/64", "80", "weight", "dev", "eth0", "on", '"q  r"', '""', '"{"', '"#"', "$X", "$Y", "$M"],
  ...["include", "includem", "@node1", "$X=1", "~SEQ(I,2)", "it's", "b\\", "\\", "'", "$", "\xE9", "yes", "priority"],
  ...["{X}", "{Y}", "{M}", "{U}", "{_HASH}", "{_ENV  SITE}", "{ X"].map((name) => `$${name}`),
);
const keyword = fc.constantFrom(
  ...["global_defs", "vrrp_instance A", "vrrp_script s", "virtual_server 10.0.0.9 80", "real_server 10.0.0.2 80"],
  ...["virtual_ipaddress", "track_script", "HTTP_GET", "url", "group", "interface eth0", "virtual_router_id 7"],
  ...["priority 100", "notify_master", "script", "notify", "notify_fifo_script", "auth_pass", "router_id", "state"],
  ...["TCP_CHECK", "MISC_CHECK", "misc_path", "quorum_up", "10.0.0.1/24", "delay_loop", "regex", "include part.conf"],
);
const comment = fc.constantFrom("", "", "", "# c", "!c  d", "#a {", '# q" x', "\\# z", "# back\\");
const joint = fc.constantFrom("", " ", "  ", "\t");
const brace = fc.constantFrom("{", "}", " {", " }", "{ }", "{}", "} }", "{{");

/** Lines whose blanks, quotes or places mean something. */
const special = [
  ...[
    "$X=1",
    "$X=",
    "$Y=a b",
    "$Y=x # {",
    `$X=$${"{Y}"}/24`,
    '$Q="a',
    "$M= \\",
    "$M=a { \\",
    "b   c \\",
    "$M=q \\# r \\",
  ],
  ...["include  a b", "includer {part,none}.conf", "~SEQ(I, 3) addr $I { x }", "~LST(C, a, b) t $C"],
  ...[`router_id $${"{Q}"}   b  "`, `router_id $${"{_HASH}"}`, 'notify_master a"b  c"d  \'e', 'regex a"b"'],
];

/** A line of anything that the language has. */
const line = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.oneof(keyword, word, word, brace, blanks), { maxLength: 9 }) },
  { weight: 2, arbitrary: fc.tuple(keyword, fc.constantFrom("", " {", " {", "{", " }", " { a }")) },
  { weight: 2, arbitrary: fc.constantFrom(["{"], ["}"], ["} }"], ["{ # o"], [""], ["  "], ["# own"], ["}  # c"]) },
  { weight: 1, arbitrary: fc.constantFrom(...special).map((text) => [text]) },
);
const condition = fc.constantFrom("", "", "", "", "@node1 ", "@^node1  ", "@other\t", "@", '@"q" ');
const configuration = fc
  .array(
    fc
      .tuple(blanks, condition, line, joint, comment, fc.constantFrom("\n", "\n", "\n", "\r\n", "\n\n", "\n \n\n"))
      .map(([before, when, parts, gap, note, end]) => before + when + parts.join(gap) + (gap + note) + end),
    { maxLength: 14 },
  )
  .map((lines) => lines.join(""));

test("formatting twice is formatting once: any bytes", () => {
  const text = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString("latin1"));
  fc.assert(fc.property(text, assertIdempotent), { numRuns: 1000 });
});

test("formatting twice is formatting once: configurations", () => {
  fc.assert(fc.property(configuration, assertIdempotent), { numRuns: 2000 });
});

test("a formatted configuration means the same", () => {
  fc.assert(fc.property(configuration, assertSameMeaning), { numRuns: 1500 });
});

/** A piece of a text deleted, doubled or put somewhere else, or something inserted. */
const mutation = fc.record({
  file: fc.nat(),
  from: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 1, max: 40 }),
  to: fc.double({ min: 0, max: 1, noNaN: true }),
  how: fc.constantFrom("delete", "double", "move", "insert"),
  insert: fc.constantFrom(
    "{",
    "}",
    '"',
    "#",
    "\n",
    "\\",
    "$",
    "@node1 ",
    "\n{",
    "'",
    "\0",
    "\r",
    "include ",
    "$X=",
    " ",
  ),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(text: string, { from, length, to, how, insert }: Mutation): string {
  const at = Math.floor(from * text.length);
  const piece = text.slice(at, at + length);
  const rest = how === "delete" || how === "move" ? text.slice(0, at) + text.slice(at + length) : text;
  const target = Math.floor(to * rest.length);
  if (how === "delete") return rest;
  return rest.slice(0, target) + (how === "insert" ? insert : piece) + rest.slice(target);
}

test("mutated files of the repository keep their meaning and stay canonical", () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const [first] = mutations;
      const text = mutations.reduce(mutate, texts[(first?.file ?? 0) % texts.length] ?? "");
      assertIdempotent(text);
      assertSameMeaning(text);
    }),
    { numRuns: 400 },
  );
});

test("no line becomes longer than keepalived reads, and nothing but blanks comes or goes", () => {
  // Sorted: a `{` may be moved up in front of a comment.
  const squeeze = (text: string): string =>
    [...text.replace(/[ \t\r\f\v\n]+/g, "")].sort((a, b) => (a < b ? -1 : 1)).join("");
  const long = fc
    .tuple(configuration, fc.integer({ min: 900, max: 1030 }))
    .map(([text, n]) => `${text}${"w ".repeat(n / 2)}{"x"y z # c`);
  fc.assert(
    fc.property(fc.oneof(configuration, long), (text) => {
      const formatted = format(text);
      assert.equal(squeeze(formatted), squeeze(text));
      const longest = (of: string): number => Math.max(...of.split("\n").map(({ length }) => length));
      assert.ok(longest(formatted) <= Math.max(1022, longest(text)));
    }),
    { numRuns: 500 },
  );
});

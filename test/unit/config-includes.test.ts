import assert from "node:assert/strict";
import { test } from "node:test";
import { Diagnostics } from "../../main/config/diagnostics.js";
import type { IncludeCheck } from "../../main/config/include-control.js";
import type { ConfigHost } from "../../main/config/ports.js";
import { StatementSource } from "../../main/config/statement-source.js";
import { fakeHost, MAIN_FILE } from "./config-fake-host.js";
import { statementsOf } from "./config-statements.js";

const files = {
  "/etc/holdfast/a.conf": "a",
  "/etc/holdfast/b.conf": "b {",
  "/etc/holdfast/two words.conf": "two",
  "/etc/holdfast/d/x.conf": "x\ninclude y.conf\nz",
  "/etc/holdfast/d/y.conf": "y$" + "{_PWD}",
  "/etc/holdfast/d/.hidden.conf": "hidden",
};

for (const [name, text, shape, findings] of [
  ["a file", "1\ninclude a.conf\n2", ["1", "a", "2"], []],
  ["an absolute name", "include /etc/holdfast/a.conf", ["a"], []],
  ["a comment after the name", "include a.conf # not b", ["a"], []],
  ["blanks in the name", "include two words.conf", ["two"], []],
  ["quotes are part of the name", 'include "a.conf"', [], ["CFG_INCLUDE@1:1"]],
  ["a tab before the name", "\tinclude\ta.conf", ["a"], []],
  ["relative to the file that includes", "include d/x.conf", ["x", "y/etc/holdfast/d", "z"], []],
  ["wildcards in alphabetical order", "include d/*.conf", ["x", "y/etc/holdfast/d", "z", "y/etc/holdfast/d"], []],
  ["alternatives in their own order", "include {b,a}.conf\n}", ["b", "{", "a", "}"], []],
  ["a fragment of a block", "1 {\ninclude b.conf\n}\n}", ["1", "{", "b", "{", "}", "}"], []],
  ["a name from a definition", "$F=a.conf\ninclude $F", ["a"], []],
  ["in a definition", "$F=1 \\\ninclude a.conf \\\n2\n$F", ["1", "a", "2"], []],
  ["as the first line of a definition", "$F= \\\ninclude a.conf \\\n2\n$F", ["a", "2"], []],
  ["in a condition", "@node1 include a.conf\n@other include b.conf", ["a"], []],
  [
    "repeated",
    "~LST(F, a, b) include $F.conf\n~LST(F, a, b) include %{F}.conf",
    ["a", "b", "{"],
    ["CFG_INCLUDE@1:1", "CFG_INCLUDE@1:1"],
  ],
  ["definitions are shared", "$X=1\ninclude s.conf\n$Y", ["s1", "2"], []],
  ["no name", "include\ninclude \nincludefoo", ["include", "include", "includefoo"], []],
  ["an unknown letter", "includex a.conf", ["includex|a.conf"], []],
  ["itself", "include test.conf\na", ["a"], ["CFG_INCLUDE_REFUSED@1:1"]],
  ["itself by way of another", "include loop1.conf\na", ["a"], ["CFG_INCLUDE_REFUSED@1:1"]],
  ["after itself has ended", "include a.conf\ninclude a.conf", ["a", "a"], []],
] as const) {
  test(`include: ${name}`, () => {
    const more = {
      ...files,
      "/etc/holdfast/s.conf": "s$X\n$Y=2",
      "/etc/holdfast/loop1.conf": "include loop2.conf",
      "/etc/holdfast/loop2.conf": "include loop1.conf",
    };
    const read = statementsOf(text.replaceAll("%{", "$" + "{"), more);
    assert.deepEqual([read.shape, read.findings], [shape, findings]);
  });
}

test("files are listed in the order in which they are read", () => {
  const { files: read } = statementsOf("include d/x.conf\ninclude a.conf", files);
  assert.deepEqual(read, [MAIN_FILE, ...["d/x", "d/y", "a"].map((name) => `/etc/holdfast/${name}.conf`)]);
});

const EXECUTABLE = "it is executable; a configuration must not be (chmod a-x)";
/** Which checks turn which failure into an error (exit 6). */
const failures = {
  read: "a.conf",
  match: "none.conf",
  wildcard_match: "none*.conf",
  brace_match: "{b,none}.conf",
} as const satisfies Record<IncludeCheck, string>;
const letters = { "": "", r: "read", m: "read match", w: "read match wildcard_match", b: "read brace_match" } as const;

for (const check of Object.keys(failures) as IncludeCheck[]) {
  const outcome = (keyword: string, more = {}, options = {}): string | undefined =>
    readWith(`${keyword} ${failures[check]}`, more, options);

  for (const [letter, checks] of Object.entries({ ...letters, a: Object.keys(failures).join(" ") })) {
    const refused = checks.split(" ").includes(check);
    test(`include${letter} ${failures[check]}: ${refused ? "an error" : "told only"}`, () => {
      assert.equal(outcome(`include${letter}`), refused ? "CFG_INCLUDE_REFUSED" : "CFG_INCLUDE");
    });
  }
  test(`-e, include ${failures[check]}: an error`, () => {
    assert.equal(outcome("include", {}, { allIncludeChecks: true }), "CFG_INCLUDE_REFUSED");
  });
}

function readWith(text: string, more: object, options: { allIncludeChecks?: boolean }): string | undefined {
  const host = fakeHost({ ...files, ...more, [MAIN_FILE]: text });
  const readFile: ConfigHost["readFile"] = (path) =>
    path === "/etc/holdfast/a.conf" ? { kind: "unreadable", why: EXECUTABLE } : host.readFile(path);
  const read = statementsOf(text, { ...files, ...more }, { readFile }, options);
  return read.diagnostics[0]?.code;
}

test("include_check holds for later includes, and until the file that set it ends", () => {
  const diagnostics = new Diagnostics();
  const text = "include none1\ninclude set.conf\ninclude none4\nset\ninclude none5";
  const host = fakeHost({ [MAIN_FILE]: text, "/etc/holdfast/set.conf": "include none2\nset\ninclude none3\nx" });
  const source = new StatementSource(MAIN_FILE, host, diagnostics);
  for (let next = source.next(); next !== undefined; next = source.next()) {
    if (next.kind === "words" && next.words[0].text === "set") source.setIncludeChecks(new Set(["match"]));
  }
  const found = diagnostics.finish().map(({ code, message }) => `${code} ${/none\d/.exec(message)?.[0]}`);
  assert.deepEqual(found, [
    "CFG_INCLUDE none1",
    "CFG_INCLUDE none4",
    "CFG_INCLUDE_REFUSED none5",
    "CFG_INCLUDE none2",
    "CFG_INCLUDE_REFUSED none3",
  ]);
  assert.deepEqual([...source.includeChecks()], []);
});

test("a finding tells through which includes, definitions and repetitions its text was read", () => {
  const more = { "/etc/holdfast/part.conf": "\n\n$X" };
  const { diagnostics } = statementsOf('$X="open\n ~SEQ(I, 1) include part.conf', more);
  const via = diagnostics[1]?.via.map(({ kind, name, file, line }) => `${kind} ${name} ${file}:${line}`);
  assert.deepEqual(via, [`definition X ${MAIN_FILE}:1`, `include  ${MAIN_FILE}:2`, `repetition I=1 ${MAIN_FILE}:2`]);
});

test("includes are bounded in depth and number", () => {
  const deep: Record<string, string> = {};
  for (let i = 0; i < 100; i++) deep[`/etc/holdfast/deep${i}`] = `d${i}\ninclude deep${i + 1}`;
  const { shape, findings } = statementsOf("include deep0", deep);
  assert.deepEqual([shape.length, findings], [64, ["CFG_INCLUDE_REFUSED@2:1"]]);
  // A tree that doubles at every level: names that differ, files that do not.
  const readFile: ConfigHost["readFile"] = () => ({
    kind: "content",
    bytes: Buffer.from("include ./a\ninclude ./b\n"),
  });
  const stat: ConfigHost["stat"] = () => ({ kind: "file", uid: 0, gid: 0, mode: 0o644 });
  const tree = statementsOf("", {}, { readFile, stat });
  assert.equal(tree.files.length, 10_000);
});

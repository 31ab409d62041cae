import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Diagnostic } from "../../main/config/diagnostics.js";
import { checkDocument, endColumnOf, type Finding, jsonText } from "../../main/config/report-json.js";
import { sarifLog, uriOf } from "../../main/config/report-sarif.js";
import { checkReport, plain, styled } from "../../main/config/report-text.js";
import { compiled } from "../harness/project.js";
import { load, MAIN_FILE } from "./config-fake-host.js";
import { assertSarif } from "./sarif-shape.js";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-check-")));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string | Uint8Array): string => {
  writeFileSync(join(folder, name), text);
  return name;
};
const good = file("good.conf", "global_defs {\n  router_id a\n}\n");
const bad = file("bad one.conf", "include part.conf\nglobal_defs {\n  ruoter_id a\n}\n");
file("part.conf", "nonsense\n");
const later = file("later.conf", "global_defs {\n  enable_traps\n}\n");
const garbage = file(
  "garbage.conf",
  Uint8Array.from({ length: 20_000 }, (_, i) => (i * i * 31 + (i >> 3)) % 256),
);

function check(args: readonly string[], input = "", env: Readonly<Record<string, string>> = {}) {
  const tool = [compiled("main/tools/main.ts"), "check", ...args];
  const options = { cwd: folder, input, encoding: "utf8", timeout: 20_000, env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, tool, options);
  return { status, stdout, stderr };
}

function found(text: string): { readonly files: readonly string[]; readonly findings: readonly Finding[] } {
  const { files, diagnostics } = load(text);
  return { files, findings: diagnostics.map((diagnostic) => ({ ...diagnostic, main: MAIN_FILE })) };
}

test("exit codes: 0 without errors, 1 with errors, 2 for a wrong command line", () => {
  const rows: readonly [args: string[], status: number][] = [
    [[good], 0],
    [[later], 0],
    [["--strict", later], 1],
    [[bad], 1],
    [[good, bad], 1],
    [["none.conf"], 1],
    [["--help"], 0],
    [[], 2],
    [["--format", "xml", good], 2],
    [["--nonsense", good], 2],
    [["--format"], 2],
  ];
  for (const [args, status] of rows) assert.equal(check(args).status, status, args.join(" "));
});

test("keepalived's own WARNING does not stand beside the severity", () => {
  const absent = file(
    "absent.conf",
    "vrrp_instance A {\n  interface absent0\n  virtual_router_id 5\n  virtual_ipaddress {\n    10.0.0.1\n  }\n}\n",
  );
  assert.match(
    check([absent]).stdout,
    /: error: interface absent0 for vrrp_instance A doesn't exist \[CFG_INTERFACE\]/,
  );
});

test("a wrong command line prints nothing on standard output", () => {
  const { stdout, stderr } = check(["--format", "xml", good]);
  assert.equal(stdout, "");
  assert.match(stderr, /unknown format 'xml' - use text, json, sarif\nusage: holdfast check/);
});

test("text: as compilers print it, without colours when it goes to a pipe", () => {
  assert.equal(
    check([bad]).stdout,
    [
      `${folder}/bad one.conf:3:3: error: Unknown keyword 'ruoter_id' [CFG_UNKNOWN_KEYWORD]`,
      "      ruoter_id a",
      "      ^^^^^^^^^",
      "  -> did you mean 'router_id'?",
      `${folder}/part.conf:1:1: error: Unknown keyword 'nonsense' [CFG_UNKNOWN_KEYWORD]`,
      "    nonsense",
      "    ^^^^^^^^",
      `    included from ${folder}/bad one.conf line 1`,
      "  -> it is not a keyword of the file",
      "2 files: 2 errors, 0 warnings",
      "",
    ].join("\n"),
  );
});

test("colours: only where they are asked for, and never from the file", () => {
  const { findings, files } = found("non\x1b[31msense\n");
  assert.ok(!checkReport(files, findings, plain).includes("\x1b"));
  const coloured = checkReport(files, findings, styled);
  assert.ok(coloured.includes("\x1b[1;31merror:\x1b[0m"));
  assert.ok(!coloured.includes("\x1b[31m"));
});

test("JSON: the documented members, findings of all files in one document", () => {
  const { stdout } = check(["--format=json", good, bad]);
  const unknown = { code: "CFG_UNKNOWN_KEYWORD", severity: "error" };
  const include = { kind: "include", file: `${folder}/bad one.conf`, line: 1 };
  assert.deepEqual(JSON.parse(stdout), {
    version: 1,
    files: ["good.conf", "bad one.conf", "part.conf"].map((name) => `${folder}/${name}`),
    findings: [
      {
        ...unknown,
        message: "Unknown keyword 'ruoter_id'",
        hint: "did you mean 'router_id'?",
        file: `${folder}/bad one.conf`,
        line: 3,
        column: 3,
        endColumn: 12,
        excerpt: "  ruoter_id a",
        via: [],
      },
      {
        ...unknown,
        message: "Unknown keyword 'nonsense'",
        hint: "it is not a keyword of the file",
        file: `${folder}/part.conf`,
        line: 1,
        column: 1,
        endColumn: 9,
        excerpt: "nonsense",
        via: [include],
      },
    ],
    summary: { files: 3, errors: 2, warnings: 0 },
  });
});

test("what concerns the whole belongs to the file that was asked for", () => {
  const { findings } = JSON.parse(check(["--format=json", "none.conf"]).stdout) as ReturnType<typeof checkDocument>;
  assert.deepEqual(
    findings.map(({ code, file: where, line, column, via }) => ({ code, where, line, column, via })),
    [{ code: "CFG_FILE", where: `${folder}/none.conf`, line: null, column: null, via: [] }],
  );
  assert.match(check(["none.conf"]).stdout, new RegExp(`^${folder}/none.conf: error: Config files missing`));
  const [result] = assertSarif(JSON.parse(check(["--format=sarif", "none.conf"]).stdout));
  assert.deepEqual(result?.locations?.[0]?.physicalLocation, { artifactLocation: { uri: "none.conf" } });
});

test("standard input is a file of the working directory, so that its includes are found", () => {
  const { status, stdout } = check(["-", "--format=json"], "include part.conf\n");
  const { files, findings } = JSON.parse(stdout) as ReturnType<typeof checkDocument>;
  assert.equal(status, 1);
  assert.deepEqual(files, [`${folder}/<stdin>`, `${folder}/part.conf`]);
  assert.equal(findings[0]?.via[0]?.file, `${folder}/<stdin>`);
  assert.equal(check(["-"], "global_defs {\n}\n").status, 0);
});

test("--config-id selects lines", () => {
  const name = file("id.conf", "@a nonsense\n");
  assert.deepEqual([check([name, "--config-id", "a"]).status, check([name, "--config-id", "b"]).status], [1, 0]);
});

test("SARIF: what the schema requires, relative names, the chain of includes", () => {
  const log: unknown = JSON.parse(check(["--format=sarif", bad, later]).stdout);
  const [first, second, third] = assertSarif(log);
  assert.deepEqual(
    [first, second, third].map((result) => [result?.ruleId, result?.level]),
    [
      ["CFG_UNKNOWN_KEYWORD", "error"],
      ["CFG_UNKNOWN_KEYWORD", "error"],
      ["CFG_LATER", "warning"],
    ],
  );
  assert.deepEqual(first?.locations?.[0]?.physicalLocation, {
    artifactLocation: { uri: "bad%20one.conf" },
    region: { startLine: 3, startColumn: 3, endColumn: 12, snippet: { text: "ruoter_id" } },
  });
  const related = second?.relatedLocations?.[0];
  assert.deepEqual(related?.physicalLocation, {
    artifactLocation: { uri: "bad%20one.conf" },
    region: { startLine: 1 },
  });
  assert.match(related?.message?.text ?? "", /^included from /);
});

test("SARIF: files elsewhere have absolute addresses", () => {
  assert.equal(uriOf("/etc/a b/x%.conf", "/srv/repo"), "file:///etc/a%20b/x%25.conf");
  assert.equal(uriOf("/srv/repo/é/#1.conf", "/srv/repo"), "%C3%A9/%231.conf");
  assert.equal(uriOf("/srv/repo2/x.conf", "/srv/repo"), "file:///srv/repo2/x.conf");
  assert.equal(uriOf("/srv/repo/..x.conf", "/srv/repo"), "..x.conf");
});

test("SARIF: braces in messages are doubled, because single ones stand for arguments", () => {
  const { findings } = found("global_defs {\n}\n}\n");
  const [result] = assertSarif(sarifLog(findings, { version: "0", workingDirectory: "/" }));
  assert.match(result?.message.text ?? "", /^Extra '\}\}' found/);
});

test("garbage: every format is valid, and says how much is left out", () => {
  const document = JSON.parse(check(["--format=json", garbage]).stdout) as ReturnType<typeof checkDocument>;
  assert.ok(document.findings.length > 10 && document.findings.length <= 1001);
  assertSarif(JSON.parse(check(["--format=sarif", garbage]).stdout));
  const { stdout } = check([garbage]);
  assert.doesNotMatch(stdout, /[^\P{Cc}\t\n]/u);
});

test("JSON holds nothing that a terminal obeys, and still every character", () => {
  const { findings } = found("a\x1b\x7f\x9b\u2028\u202eb\n");
  const text = jsonText(checkDocument([], findings));
  assert.doesNotMatch(text, /[^\P{Cc}\n]|[\u2028-\u202e]/u);
  const [read] = (JSON.parse(text) as ReturnType<typeof checkDocument>).findings;
  assert.ok(read?.message.includes("\x1b\x7f\x9b\u2028\u202eb"));
});

test("where a word ends", () => {
  const end = (excerpt: string | undefined, column: number): number | undefined =>
    endColumnOf({ at: { file: "f", line: 1, column }, excerpt } satisfies Pick<Diagnostic, "at" | "excerpt">);
  assert.deepEqual(
    [
      end("ab cd", 4),
      end('a "b c" d', 3),
      end("a{", 2),
      end('a "b c', 3),
      end("a", 3),
      end("$A", 1),
      end(undefined, 1),
    ],
    [6, 8, 3, 7, undefined, undefined, undefined],
  );
});

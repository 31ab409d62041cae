import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadConfig } from "../../main/config/load.js";
import { renderDiagnostics } from "../../main/config/report.js";
import { checkDocument, type Finding, jsonText } from "../../main/config/report-json.js";
import { sarifLog } from "../../main/config/report-sarif.js";
import { checkReport, plain } from "../../main/config/report-text.js";
import { fakeHost, MAIN_FILE } from "../unit/config-fake-host.js";
import { assertSarif } from "../unit/sarif-shape.js";

const RUNS = { numRuns: 300 };
function check(content: string | Uint8Array): {
  readonly files: readonly string[];
  readonly findings: readonly Finding[];
} {
  const { files, diagnostics } = loadConfig(MAIN_FILE, fakeHost({ [MAIN_FILE]: content }));
  return { files, findings: diagnostics.map((diagnostic) => ({ ...diagnostic, main: MAIN_FILE })) };
}

test("whatever bytes a file holds, JSON and SARIF are valid and text is printable", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.string({ unit: "binary", maxLength: 200 }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(bytes, (content) => {
      const { findings, files } = check(content);
      const document = jsonText(checkDocument(files, findings));
      assert.doesNotMatch(document, /[^\P{Cc}\n]/u);
      assert.equal((JSON.parse(document) as ReturnType<typeof checkDocument>).findings.length, findings.length);
      assertSarif(JSON.parse(jsonText(sarifLog(findings, { version: "0", workingDirectory: "/etc" }))));
      for (const text of [renderDiagnostics(findings), checkReport(files, findings, plain)]) {
        assert.doesNotMatch(text, /[^\P{Cc}\t\n]/u);
      }
    }),
    RUNS,
  );
});

const PASSWORD = "hunter2";
/** Pieces of a line that holds the password: before it, in it and behind it. */
const keywords = fc.constantFrom(
  "auth_pass",
  "auth_pas",
  "auth_password",
  "password",
  "authpass",
  "key 1",
  "auth_pass x",
);
const around = fc.constantFrom("", " ", '"', '" ', "'", "x", "x ", "{", " } ", "\\", "$", "#", ";", ", ");
const forms = fc.constantFrom(
  (line: string) => line,
  (line: string) => `authentication { auth_type PASS ${line}\n}`,
  (line: string) => `$LINE=${line}\n$LINE`,
  (line: string) => `$LINE= \\\n ${line} \\\n nonsense\n$LINE`,
  (line: string) => `~SEQ(N, 2) ${line}`,
);
/** How the password is written where it is used. */
const spellings = fc.constantFrom(
  (password: string) => ({ before: "", used: password }),
  (password: string) => ({ before: `$P=${password}\n`, used: "$P " }),
  (password: string) => ({ before: `$P=a ${password}\uFFFD b\n`, used: `x\${P}y` }),
  (password: string) => ({ before: `$Q=${password}\n$P=c \${Q} d\n`, used: `\${P}` }),
  (password: string) => ({ before: `$P= \\\n a \\\n ${password}\n`, used: "$P" }),
);

test("no finding shows what follows a word that announces a password", () => {
  fc.assert(
    fc.property(keywords, around, around, forms, spellings, (keyword, left, right, form, spell) => {
      const { before, used } = spell(PASSWORD);
      const line = `${keyword} ${left}${used}${right}`;
      const { findings, files } = check(`${before}vrrp_instance A {\n${form(line)}\n}\n`);
      const shown = renderDiagnostics(findings) + jsonText(checkDocument(files, findings));
      assert.doesNotMatch(shown, /hunter/);
    }),
    { numRuns: 2000 },
  );
});

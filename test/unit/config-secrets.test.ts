import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../main/config/load.js";
import { renderDiagnostics } from "../../main/config/report.js";
import { checkDocument, jsonText } from "../../main/config/report-json.js";
import { sarifLog } from "../../main/config/report-sarif.js";
import { fakeHost, instance, load, MAIN_FILE } from "./config-fake-host.js";

const PASSWORD = "hunter2";
const auth = (line: string): string => instance(`authentication {\nauth_type PASS\n${line}\n}`);

/** Each has a finding about the line of the password, or about the definition that holds it. */
const leaks: Readonly<Record<string, string>> = {
  "a misspelled keyword": auth(`auth_pas ${PASSWORD}`),
  "an open quote": auth(`auth_pass "${PASSWORD}`),
  "a second word": auth(`auth_pass x ${PASSWORD}`),
  "a second word in quotes": auth(`auth_pass x "y ${PASSWORD}, z"`),
  "a brace in the password": auth(`auth_pass x}${PASSWORD}`),
  "a brace that opens": auth(`auth_pass x{${PASSWORD}`),
  "the whole block in one line": instance(`authentication { auth_type PASS auth_pass x ${PASSWORD} }`),
  "an unknown key": instance(`auth_hmac {\nkey 1 ${PASSWORD}\n}`),
  "a definition": `$PW=x ${PASSWORD}\n${auth("auth_pass $PW")}`,
  "a definition of a part": `$PW=${PASSWORD}\n${auth(`auth_pass x y-\${PW}-z`)}`,
  "a definition of a definition": `$INNER=${PASSWORD}\n$PW=x $INNER\n${auth("auth_pass $PW")}`,
  "a definition of the line": `$LINE=auth_pass x ${PASSWORD}\n${auth("$LINE")}`,
  "a definition of the keyword": `$AUTH=auth_pass\n${auth(`$AUTH x ${PASSWORD}`)}`,
  "a definition of the keyword by another": `$WORD=pass\n$AUTH=auth_${"$"}{WORD}\n${auth(`$AUTH x ${PASSWORD}`)}`,
  "a definition of the block": `$BLOCK= \\\n authentication { \\\n auth_pass x ${PASSWORD} \\\n } \n${instance("$BLOCK")}`,
  "a definition that is not valid UTF-8": `$PW=${PASSWORD}\uFFFD\n${auth("auth_pass $PW")}`,
  "a definition with a NUL": `$PW=${PASSWORD}\n$PW=${PASSWORD}\0\n${auth("auth_pass $PW")}`,
  "a definition of several lines": `$PW= \\\n x ${PASSWORD}\uFFFD \\\n\n${auth("auth_pass $PW")}`,
  "a definition for one host": `@node1 $PW=${PASSWORD}\uFFFD\n${auth("auth_pass $PW")}`,
  "a repetition": auth(`~LST(P, ${PASSWORD}) auth_pass x \${P}`),
  "a repetition of a block": `$BLOCK= \\\n authentication { \\\n auth_pass x \${P} \\\n nonsense } \n${instance(`~LST(P, ${PASSWORD}) $BLOCK`)}`,
  "the environment": auth(`auth_pass x \${_ENV SECRET}`),
};

for (const [name, text] of Object.entries(leaks)) {
  test(`findings do not show a password: ${name}`, () => {
    const host = fakeHost({ [MAIN_FILE]: text }, { environment: () => `x ${PASSWORD}` });
    const { diagnostics, files } = loadConfig(MAIN_FILE, host);
    assert.ok(diagnostics.length > 0, "there is nothing that could leak");
    const findings = diagnostics.map((diagnostic) => ({ ...diagnostic, main: MAIN_FILE }));
    const sarif = jsonText(sarifLog(findings, { version: "0", workingDirectory: "/" }));
    const shown = [renderDiagnostics(diagnostics), jsonText(checkDocument(files, findings)), sarif];
    for (const output of shown) assert.doesNotMatch(output, /hunter|unter2/);
  });
}

test("what is no password is shown", () => {
  const text = `$SRV=nonsense\n$PW=${PASSWORD}\n${auth("auth_pass $PW")}${instance("$SRV\nprioriy 5\n~LST(C, red, blue) tag $C", "B", 2)}`;
  const shown = renderDiagnostics(load(text).diagnostics);
  for (const part of ["Unknown keyword 'nonsense'", " prioriy 5\n", "'tag'", "~LST(C, red, blue) tag $C", "C=red"]) {
    assert.ok(shown.includes(part), `${part} is missing in\n${shown}`);
  }
});

test("what ten thousand definitions hide is found in linear time", { timeout: 10_000 }, () => {
  const definitions = Array.from({ length: 10_000 }, (_, i) => `$P${i}=a $P${i + 1}\n`).join("");
  const uses = Array.from({ length: 2000 }, (_, i) => `auth_pas x $P${i}\n`).join("");
  assert.ok(load(`${definitions}${uses}`).diagnostics.length >= 1000);
  assert.ok(load(`nonsense\n${"x $A= \\\n".repeat(90_000)}`).diagnostics.length >= 2);
});

test("with more definitions than can be looked through, nothing of them is shown", () => {
  const uses = auth(`auth_pass x $A\n~LST(B, ${PASSWORD}) auth_pass x $B`);
  const { diagnostics } = load(`${`$A=${PASSWORD}\n`.repeat(100_001)}${uses}`);
  assert.ok(diagnostics.length > 0);
  assert.doesNotMatch(renderDiagnostics(diagnostics), /hunter/);
});

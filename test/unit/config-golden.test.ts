import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { hasErrors, renderDiagnostics, testExitCode } from "../../main/config/report.js";
import { load, MAIN_FILE } from "./config-fake-host.js";

/** Input above the line, findings and model below it; UPDATE_GOLDEN=1 rewrites what is below. */
const SEPARATOR = "\n======== result ========\n";
const folder = new URL("../../../test/golden/config/", import.meta.url);

function result(text: string): string {
  const loaded = load(text);
  const findings = renderDiagnostics(loaded.diagnostics).replaceAll(MAIN_FILE, "FILE");
  // Positions are covered by the findings; in the model they would change with every line added above.
  const model = JSON.stringify(loaded.config, (key, value: unknown) => (key === "at" ? undefined : value), 2);
  return `${findings}exit code ${testExitCode(loaded)}, errors ${hasErrors(loaded)}\n${model}\n`;
}

for (const name of readdirSync(folder)) {
  test(`golden: ${name}`, () => {
    const file = new URL(name, folder);
    const [input = "", want] = readFileSync(file, "utf8").split(SEPARATOR);
    const got = result(input);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, input + SEPARATOR + got);
    else assert.equal(got, want);
  });
}

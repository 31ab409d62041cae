import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { diagnosticDocs } from "../../main/config/diagnostic-docs.js";
import { errorCodes } from "../../main/errors.js";

/** From dist/test/unit. */
const file = new URL("../../../docs/errors.md", import.meta.url);
const FIRST_FINDING = "\n## CFG_";

/** The second part is made from a table; UPDATE_GOLDEN=1 rewrites it. */
const text = readFileSync(file, "utf8");
const cut = text.indexOf(FIRST_FINDING) + 1;
const byHand = text.slice(0, cut);

test("docs/errors.md has one section per code, with the meaning that main/errors.ts gives", () => {
  const titles = [...byHand.matchAll(/^## (\S+): (.+)$/gm)].map(([, code, meaning]) => [code, meaning]);
  assert.deepEqual(titles, Object.entries(errorCodes));
});

test("every section says more than its title", () => {
  const sections = byHand.split(/^## .+$/m).slice(1);
  for (const section of sections) assert.ok(section.trim().split(/\s+/).length >= 20, section.trim().slice(0, 60));
});

test("docs/errors.md explains the findings in a configuration as the table does", () => {
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, byHand + diagnosticDocs());
  else assert.equal(text.slice(cut), diagnosticDocs());
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { errorCodes } from "../../main/errors.js";

/** From dist/test/unit. */
const text = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");

test("docs/errors.md has one section per code, with the meaning that main/errors.ts gives", () => {
  const titles = [...text.matchAll(/^## (\S+): (.+)$/gm)].map(([, code, meaning]) => [code, meaning]);
  assert.deepEqual(titles, Object.entries(errorCodes));
});

test("every section says more than its title", () => {
  const sections = text.split(/^## .+$/m).slice(1);
  for (const section of sections) assert.ok(section.trim().split(/\s+/).length >= 20, section.trim().slice(0, 60));
});

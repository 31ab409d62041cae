import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { keywordsMarkdown } from "../../main/config/explain/markdown.js";
import { textMateGrammar } from "../../main/config/grammar.js";
import type { Scope } from "../../main/config/keyword.js";
import { rootScope } from "../../main/config/keywords/root.js";

/** Files of the repository that are written from the keyword tables. UPDATE_GOLDEN=1 writes them anew. */
const root = rootScope as Scope<never>;
const generated: Readonly<Record<string, () => string>> = {
  "docs/keywords.md": () => keywordsMarkdown(root),
  "editors/keepalived.tmLanguage.json": () => `${JSON.stringify(textMateGrammar(root), undefined, 2)}\n`,
};

for (const [path, write] of Object.entries(generated)) {
  test(`${path} is what the tables say`, () => {
    const file = new URL(`../../../${path}`, import.meta.url);
    const text = write();
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
    assert.ok(
      readFileSync(file, "utf8") === text,
      `${path} is stale: UPDATE_GOLDEN=1 node --test dist/test/unit/keywords-doc.test.js`,
    );
  });
}

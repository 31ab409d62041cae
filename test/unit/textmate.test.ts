import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";

/** The grammar in the engine that editors use. */
const require = createRequire(import.meta.url);
const grammarFile = new URL("../../../editors/keepalived.tmLanguage.json", import.meta.url);

async function scopesOf(line: string): Promise<ReadonlyMap<string, string>> {
  await oniguruma.loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(readFileSync(grammarFile, "utf8"), "keepalived.tmLanguage.json"),
  });
  const grammar = await registry.loadGrammar("source.keepalived");
  assert.ok(grammar);
  const { tokens } = grammar.tokenizeLine(line, textmate.INITIAL);
  return new Map(
    tokens.map(({ startIndex, endIndex, scopes }) => [line.slice(startIndex, endIndex), scopes.at(-1) ?? ""]),
  );
}

const lines: readonly (readonly [line: string, word: string, scope: string])[] = [
  ["vrrp_instance VI_1 { # first", "vrrp_instance", "storage.type.block.keepalived"],
  ["vrrp_instance VI_1 { # first", "VI_1", "entity.name.section.keepalived"],
  ["vrrp_instance VI_1 { # first", "# first", "comment.line.keepalived"],
  ["    virtual_router_id 51", "virtual_router_id", "keyword.other.keepalived"],
  ["    virtual_router_id 51", "51", "constant.numeric.keepalived"],
  ["    notify_master /x", "notify_master", "keyword.other.keepalived"],
  ['    auth_pass "a#b"', '"a#b"', "string.quoted.double.keepalived"],
  ["    10.0.0.1/24 dev eth0", "10.0.0.1/24", "constant.numeric.address.keepalived"],
  ["$NET=10.0.0", "$NET", "variable.other.definition.keepalived"],
  [`    ${"$"}{NET}.1`, `${"$"}{NET}`, "variable.other.keepalived"],
  ["@main priority 150", "main", "entity.name.tag.keepalived"],
  ["include conf.d/*.conf", "include", "keyword.control.include.keepalived"],
  ["~SEQ(I, 3) real_server 10.0.0.$I 80", "~SEQ", "keyword.control.repetition.keepalived"],
  ["    not_a_keyword 5", "5", "constant.numeric.keepalived"],
];

for (const [line, word, scope] of lines) {
  test(`colours: ${word} in ${line.trim()}`, async () => {
    assert.equal((await scopesOf(line)).get(word), scope);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "../../main/config/keywords/root.js";
import { hoverText, wordAt } from "../../main/lsp/lookup.js";
import { outlineOf, walkOutline } from "../../main/lsp/outline.js";
import { Workspace } from "../../main/lsp/workspace.js";

/** Editors open anything, under any name. */

const misspelled = "vrrp_instance A {\n prioriy 5\n}\n";

test("texts that are no files on this machine are checked, and told under their own name", () => {
  const uris = [
    "untitled:Untitled-1",
    "vscode-remote://ssh/etc/x.conf",
    "file://host/x.conf",
    "file:///a%2Fb",
    "file:///%ff",
    "file:///never/saved.conf",
    "file:///tmp/b%5B1%5D.conf",
    "",
  ];
  for (const uri of uris) {
    const workspace = new Workspace();
    workspace.set(uri, misspelled);
    const found = workspace.check();
    assert.deepEqual([...found.keys()], [uri]);
    const messages = (found.get(uri) ?? []).map(({ message }) => message);
    assert.ok(messages.includes("Unknown keyword 'prioriy'"), `${uri}: ${messages.join("; ")}`);
    assert.equal(workspace.text(uri), misspelled);
  }
});

test("what nobody has opened is read with care", () => {
  for (const uri of ["file:///dev/zero", "file:///proc/self/pagemap", "file:///tmp", "http://x"]) {
    assert.equal(new Workspace().text(uri), "");
  }
});

test("a hundred thousand blocks in each other have an outline that can be walked", { timeout: 20_000 }, () => {
  const { nodes } = outlineOf("/x", `${"a {\n".repeat(100_000)}${"}\n".repeat(100_000)}last {\n}\n`);
  assert.equal([...walkOutline(nodes)].length, 100_001);
  assert.deepEqual(
    nodes.map(({ words, endLine }) => [words[0].text, endLine]),
    [
      ["a", 200_000],
      ["last", 200_002],
    ],
  );
});

test("names of an object's members are unknown words", () => {
  const text = "toString 5\nvrrp_instance A {\n constructor 6\n}\n__proto__ 7\n";
  const outline = outlineOf("/x", text);
  for (const [line, column] of [
    [1, 1],
    [1, 10],
    [3, 2],
    [3, 14],
    [5, 1],
    [5, 11],
  ] as const) {
    const found = wordAt(outline, line, column);
    assert.ok(found !== undefined);
    assert.equal(hoverText(rootScope as never, found, []), undefined, found.text);
  }
});

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  createProtocolConnection,
  type ProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver/node";
import { compiled } from "../harness/project.js";

/** A real client talks to the real server over pipes, as an editor does. */
const folder = mkdtempSync(join(tmpdir(), "holdfast-lsp-"));
const mainFile = join(folder, "keepalived.conf");
const included = join(folder, "groups.conf");
const uri = pathToFileURL(mainFile).href;

const text = `$NET=10.0.0
include groups.conf
vrrp_script chk {
    script "/bin/true"
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    prioriy 100
    virtual_ipaddress {
        \${NET}.1
    }
    track_script {
        chk
    }
}
`;

interface Published {
  readonly uri: string;
  readonly diagnostics: readonly {
    readonly code: string;
    readonly message: string;
    readonly range: { readonly start: { readonly line: number; readonly character: number } };
  }[];
}

let server: ChildProcess;
let client: ProtocolConnection;
const published = new Map<string, Published>();
let onPublished: (() => void) | undefined;

before(async () => {
  writeFileSync(mainFile, text);
  writeFileSync(included, "vrrp_sync_group G {\n    group {\n        VI_1\n    }\n}\n");
  server = spawn(process.execPath, [compiled("main/tools/main.ts"), "lsp"], { stdio: ["pipe", "pipe", "inherit"] });
  assert.ok(server.stdout !== null && server.stdin !== null);
  client = createProtocolConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
  client.onNotification("textDocument/publishDiagnostics", (params: Published) => {
    published.set(params.uri, params);
    onPublished?.();
  });
  client.listen();
  await client.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities: {} });
  await client.sendNotification("initialized", {});
});

after(async () => {
  await client.sendRequest("shutdown");
  const ended = new Promise<number | null>((resolve) => server.once("exit", resolve));
  await client.sendNotification("exit");
  assert.equal(await ended, 0, "the server leaves when it is told");
  client.dispose();
  rmSync(folder, { recursive: true });
});

async function findings(change: () => Promise<void>): Promise<Published> {
  published.delete(uri);
  const arrived = new Promise<void>((resolve) => {
    onPublished = () => published.has(uri) && resolve();
  });
  await change();
  await arrived;
  const found = published.get(uri);
  assert.ok(found);
  return found;
}

const at = (line: number, character: number) => ({ textDocument: { uri }, position: { line, character } });

test("findings come with code, place and remedy, and go when the text is mended", { timeout: 20_000 }, async () => {
  const open = { textDocument: { uri, languageId: "keepalived", version: 1, text } };
  const { diagnostics } = await findings(() => client.sendNotification("textDocument/didOpen", open));
  const wrong = diagnostics.find(({ code }) => code === "CFG_UNKNOWN_KEYWORD");
  assert.ok(wrong, JSON.stringify(diagnostics));
  assert.deepEqual(wrong.range.start, { line: 8, character: 4 });
  assert.match(wrong.message, /did you mean 'priority'/);
  const range = { start: { line: 8, character: 4 }, end: { line: 8, character: 11 } };
  const change = { textDocument: { uri, version: 2 }, contentChanges: [{ range, text: "priority" }] };
  const mended = await findings(() => client.sendNotification("textDocument/didChange", change));
  assert.deepEqual(
    mended.diagnostics.filter(({ code }) => code === "CFG_UNKNOWN_KEYWORD"),
    [],
  );
});

test("completion knows the block, the choices of a value, and declared names", { timeout: 20_000 }, async () => {
  const labels = async (line: number, character: number): Promise<readonly string[]> => {
    const items = await client.sendRequest<readonly { label: string }[]>(
      "textDocument/completion",
      at(line, character),
    );
    return items.map(({ label }) => label);
  };
  const inInstance = await labels(8, 4);
  assert.ok(inInstance.includes("virtual_router_id") && !inInstance.includes("virtual_server"));
  assert.ok((await labels(2, 0)).includes("virtual_server"), "top level");
  assert.deepEqual(await labels(13, 8), ["chk"], "scripts that are declared");
  assert.ok((await labels(10, 9)).includes("${" + "NET}"), "definitions");
  assert.ok((await labels(10, 16)).includes("label"), "options of an address");
});

test("hover explains the keyword of this very block", { timeout: 20_000 }, async () => {
  const hover = await client.sendRequest<{ contents: { value: string } }>("textDocument/hover", at(7, 8));
  assert.match(hover.contents.value, /virtual_router_id <1\.\.255>[\s\S]*where:\s+vrrp_instance/);
  assert.equal(await client.sendRequest("textDocument/hover", at(11, 5)), null, "nothing at a brace");
});

test("go to definition: scripts, instances out of another file, definitions", { timeout: 20_000 }, async () => {
  type Target = { uri: string; range: { start: { line: number; character: number } } };
  const script = await client.sendRequest<Target>("textDocument/definition", at(13, 9));
  assert.deepEqual([script.uri, script.range.start], [uri, { line: 2, character: 12 }]);
  const definition = await client.sendRequest<Target>("textDocument/definition", at(10, 11));
  assert.deepEqual(definition.range.start, { line: 0, character: 0 });
  const groups = pathToFileURL(included).href;
  const open = {
    uri: groups,
    languageId: "keepalived",
    version: 1,
    text: "vrrp_sync_group G {\n    group {\n        VI_1\n    }\n}\n",
  };
  await client.sendNotification("textDocument/didOpen", { textDocument: open });
  const instance = await client.sendRequest<Target>("textDocument/definition", {
    textDocument: { uri: groups },
    position: { line: 2, character: 9 },
  });
  assert.deepEqual([instance.uri, instance.range.start], [uri, { line: 5, character: 14 }]);
});

test("outline and formatting", { timeout: 20_000 }, async () => {
  const symbols = await client.sendRequest<readonly { name: string; children: readonly { name: string }[] }[]>(
    "textDocument/documentSymbol",
    { textDocument: { uri } },
  );
  assert.deepEqual(
    symbols.map(({ name }) => name),
    ["vrrp_script chk", "vrrp_instance VI_1"],
  );
  assert.deepEqual(
    symbols[1]?.children.map(({ name }) => name),
    ["virtual_ipaddress", "track_script"],
  );
  const ugly = pathToFileURL(join(folder, "ugly.conf")).href;
  const document = { uri: ugly, languageId: "keepalived", version: 1, text: "global_defs {\nrouter_id   Zürich\n}\n" };
  await client.sendNotification("textDocument/didOpen", { textDocument: document });
  const edits = await client.sendRequest<readonly { newText: string }[]>("textDocument/formatting", {
    textDocument: { uri: ugly },
    options: { tabSize: 4, insertSpaces: true },
  });
  assert.deepEqual(
    edits.map(({ newText }) => newText),
    ["global_defs {\n    router_id Zürich\n}\n"],
  );
});

test("a text of garbage is answered too", { timeout: 20_000 }, async () => {
  const odd = pathToFileURL(join(folder, "odd.conf")).href;
  const document = {
    uri: odd,
    languageId: "keepalived",
    version: 1,
    text: '}}} { "\n$A=$A\n$A\nvirtual_server group {\n@\n~SEQ(',
  };
  await client.sendNotification("textDocument/didOpen", { textDocument: document });
  for (const position of [
    { line: 0, character: 3 },
    { line: 3, character: 21 },
    { line: 99, character: 0 },
  ]) {
    await client.sendRequest("textDocument/completion", { textDocument: { uri: odd }, position });
    await client.sendRequest("textDocument/hover", { textDocument: { uri: odd }, position });
    await client.sendRequest("textDocument/definition", { textDocument: { uri: odd }, position });
  }
});

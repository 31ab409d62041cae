import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hasCommand } from "../harness/needs.js";
import { projectRoot } from "../harness/project.js";

/** Answers every request with `hello`, and keeps what was asked. */
async function webServer(t: TestContext): Promise<{ readonly port: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.once("data", (request) => {
      asked.push(request.toString("latin1"));
      socket.end("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nhello");
    });
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return { port: String((server.address() as AddressInfo).port), asked };
}

async function run(program: string, ...args: readonly string[]) {
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
    });
  const [status]: unknown[] = await once(child, "close");
  return { status, ...said };
}

const holdfast = path.join(projectRoot, "bin/holdfast");
const digest = "5d41402abc4b2a76b9719d911017c592"; // printf hello | md5sum
const rows: readonly (readonly string[])[] = [
  ["-u", "/a"],
  ["-u", "/a", "-V", "www.example.org"],
  ["--url=/a", "-P", "1.1"],
  ["-u", "/a", "-P", "1.0c"],
];

test("-T prints the digest of a page, and asks for it as keepalived does", async (t) => {
  const { port, asked } = await webServer(t);
  for (const row of rows) {
    const ours = await run(holdfast, "-T", "-s", "127.0.0.1", "-p", port, ...row);
    assert.deepEqual(ours, { status: 0, stdout: `${digest}\n`, stderr: "" }, row.join(" "));
  }
  assert.equal(asked[0], `GET /a HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  if (!hasCommand("keepalived")) return t.diagnostic("no keepalived to compare with");
  const own = asked.splice(0);
  for (const row of rows) {
    const { stdout } = await run("keepalived", "-T", "-s", "127.0.0.1", "-p", port, ...row);
    assert.equal(stdout, `${digest}\n`);
  }
  assert.deepEqual(own, asked);
});

test("under the name genhash; with -v the answer too; what is wrong ends with 1", async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-genhash-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const genhash = path.join(dir, "genhash");
  symlinkSync(holdfast, genhash);
  const { port } = await webServer(t);
  const told = await run(genhash, "-v", "-s", "127.0.0.1", "-p", port, "-u", "/");
  assert.match(told.stdout, /Server: x/);
  assert.match(told.stdout, /^0000 {2}68 65 6c 6c 6f - +hello$/m);
  assert.ok(told.stdout.endsWith(`\n${digest}\n`));
  assert.equal((await run(genhash, "-h")).status, 0);
  for (const args of [["-s", "name", "-u", "/"], ["-s", "127.0.0.1"], ["--nonsense"]])
    assert.deepEqual([(await run(genhash, ...args)).status, args], [1, args]);
  const refused = await run(genhash, "-s", "127.0.0.1", "-p", "1", "-u", "/");
  assert.deepEqual(refused, { status: 1, stdout: "", stderr: "Connection failed: 127.0.0.1 port 1: ECONNREFUSED\n" });
});

/** Sends `pieces`, each when the one before it has gone. */
async function slowServer(t: TestContext, pieces: () => Iterable<Buffer | string>): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", async () => {
      for (const piece of pieces()) {
        if (!socket.write(piece)) await once(socket, "drain").catch(() => undefined);
        await new Promise((resolve) => setImmediate(resolve));
        if (socket.destroyed) return;
      }
      socket.end();
    });
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return String((server.address() as AddressInfo).port);
}

test("a head in pieces, and a large page, which is not kept", async (t) => {
  const torn = await slowServer(t, () => ["HTTP/1.0 200 OK\r", "\nA: b\r\n", "\r", "\nhel", "lo"]);
  const ask = (port: string) => run(holdfast, "-T", "-s", "127.0.0.1", "-p", port, "-u", "/");
  assert.deepEqual(await ask(torn), { status: 0, stdout: `${digest}\n`, stderr: "" });
  const mebibyte = Buffer.alloc(1 << 20);
  const large = await slowServer(t, function* () {
    yield "HTTP/1.0 200 OK\r\n\r\n";
    for (let i = 0; i < 300; i++) yield mebibyte;
  });
  const program = path.join(projectRoot, "dist/main/tools/genhash.js");
  const peak = `process.on("exit", () => console.error(process.resourceUsage().maxRSS)); process.argv.splice(1, 0, ""); await import(${JSON.stringify(program)})`;
  const options = ["--input-type=module", "-e", peak, "--", "-s", "127.0.0.1", "-p", large, "-u", "/"];
  const told = await run(process.execPath, ...options);
  assert.deepEqual([told.status, told.stdout.length], [0, 33]);
  assert.ok(Number(told.stderr) < 250 * 1024, `${told.stderr.trim()} KiB for 300 MiB`);
});

test("who sends no end of a head is not heard for ever", async (t) => {
  const endless = await slowServer(t, function* () {
    for (;;) yield "x".repeat(65536);
  });
  const told = await run(holdfast, "-T", "-s", "127.0.0.1", "-p", endless, "-u", "/");
  assert.equal(told.status, 1);
  assert.match(told.stderr, /^127\.0\.0\.1 sent no HTTP answer \(\d+ octets\)\n$/);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { parseLauncherLine, requestOf, type SupervisorEvent } from "../../main/control/signals.js";
import { LauncherLink } from "../../main/control/signals-launcher.js";
import { LocalSupervisor } from "../../main/control/signals-local.js";
import { until } from "../harness/until.js";

test("lines of the launcher", () => {
  const rows: readonly [string, ReturnType<typeof parseLauncherLine>][] = [
    ["signal HUP", { kind: "signal", name: "HUP" }],
    ["signal STATS_CLEAR", { kind: "signal", name: "STATS_CLEAR" }],
    ["go", { kind: "go" }],
    ["ok fork", { kind: "forked" }],
    ["ok pidfile /run/a b.pid", { kind: "pidfile", path: "/run/a b.pid", verdict: { kind: "ok" } }],
    ["busy 42 /run/x.pid", { kind: "pidfile", path: "/run/x.pid", verdict: { kind: "busy", pid: 42 } }],
    ["failed 13 /run/x.pid", { kind: "pidfile", path: "/run/x.pid", verdict: { kind: "failed", errno: 13 } }],
    ["signal KILL", undefined],
    ["signal HUP twice", undefined],
    ["busy x /run/x.pid", undefined],
    ["ok pidfile", undefined],
    ["", undefined],
    ["future words", undefined],
  ];
  for (const [line, want] of rows) assert.deepEqual(parseLauncherLine(line), want, line);
});

test("what signals ask for", () => {
  assert.equal(requestOf("INT", false), "stop");
  assert.equal(requestOf("INT", true), "ignore");
  assert.equal(requestOf("TERM", true), "stop");
  assert.equal(requestOf("JSON", false), "dump-json");
});

interface Pair {
  readonly link: LauncherLink;
  readonly launcher: Socket;
  readonly events: SupervisorEvent[];
  /** Resolves with all that the daemon has said once `marker` is in it. */
  heard(marker: string): Promise<string>;
}

/** A stream socket between a link and a stand-in for the launcher. */
async function pair(t: TestContext): Promise<Pair> {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-link-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const server = createServer().listen(join(dir, "s"));
  await once(server, "listening");
  const daemonEnd = connect(join(dir, "s"));
  const [launcher] = (await once(server, "connection")) as [Socket];
  const events: SupervisorEvent[] = [];
  const link = new LauncherLink(daemonEnd, (event) => events.push(event));
  t.after(() => {
    link[Symbol.dispose]();
    launcher.destroy();
    server.close();
  });
  let text = "";
  launcher.setEncoding("utf8");
  launcher.on("data", (chunk: string) => (text += chunk));
  const heard = async (marker: string): Promise<string> => {
    while (!text.includes(marker)) await once(launcher, "data", { signal: AbortSignal.timeout(5000) });
    return text;
  };
  return { link, launcher, events, heard };
}

test("requests are answered, lines may arrive in pieces, order is kept", async (t) => {
  const { link, launcher, events, heard } = await pair(t);
  const first = link.pidFile("/run/a.pid");
  const second = link.pidFile("/run/b c.pid");
  await heard("pidfile /run/b c.pid\n");
  for (const piece of ["sig", "nal USR1\nbusy 7 /run/b c.p", "id\nok pidfile /run/a.pid\nsignal ", "HUP\nnonsense\n"])
    launcher.write(piece);
  assert.deepEqual(await first, { kind: "ok" });
  assert.deepEqual(await second, { kind: "busy", pid: 7 });
  const forked = link.fork();
  await heard("fork\n");
  launcher.write("ok fork\n");
  await forked;
  assert.deepEqual(events, [
    { kind: "signal", name: "USR1" },
    { kind: "signal", name: "HUP" },
  ]);
  link.ready();
  link.status("3 instances\nready é");
  link.alive();
  link.stopping();
  assert.match(await heard("stopping"), /ready\nstatus 3 instances ready {2}\nalive\nstopping\n$/);
});

test("a pid file name that the launcher would drop fails at once", async (t) => {
  const { link } = await pair(t);
  const { ENAMETOOLONG: errno } = constants.errno;
  assert.deepEqual(await link.pidFile(`/run/${"y".repeat(4092)}`), { kind: "failed", errno });
});

test("a launcher that ends is reported once, and nobody waits for it for ever", async (t) => {
  const { link, launcher, events, heard } = await pair(t);
  const verdict = link.pidFile("/run/a.pid");
  const failed = assert.rejects(verdict, { code: "E_LAUNCHER" });
  await heard("pidfile");
  launcher.end();
  await failed;
  await assert.rejects(link.fork(), { code: "E_LAUNCHER" });
  link.ready(); // neither throws nor crashes
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["lost"],
  );
});

test("an endless line ends the link", async (t) => {
  const { link, launcher } = await pair(t);
  const failed = assert.rejects(link.pidFile("/x"), { code: "E_LAUNCHER" });
  launcher.write("x".repeat(20_000));
  await failed;
});

test("a pid file name cannot smuggle in a second line", async (t) => {
  const { link } = await pair(t);
  await assert.rejects(link.pidFile("/x\nstopping"), { code: "E_LAUNCHER" });
});

test("without a launcher: the process's own signals and plain pid files", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-pid-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const events: SupervisorEvent[] = [];
  const listening = new LocalSupervisor((event) => events.push(event));
  t.after(() => listening[Symbol.dispose]());
  process.kill(process.pid, "SIGUSR2");
  await until("the signal is heard", 5000, () => events.length > 0);
  assert.deepEqual(events, [{ kind: "signal", name: "USR2" }]);

  const supervisor = new LocalSupervisor(() => undefined);
  const [fresh, stale, busy] = ["fresh", "stale", "busy"].map((name) => join(dir, name)) as [string, string, string];
  writeFileSync(stale, "999999999\n");
  writeFileSync(busy, `${process.ppid}\n`);
  assert.deepEqual(await supervisor.pidFile(fresh), { kind: "ok" });
  assert.deepEqual(await supervisor.pidFile(stale), { kind: "ok" });
  assert.deepEqual(await supervisor.pidFile(busy), { kind: "busy", pid: process.ppid });
  assert.deepEqual(await supervisor.pidFile(join(dir, "missing", "x")), { kind: "failed", errno: 2 });
  assert.equal(readFileSync(stale, "utf8"), `${process.pid}\n`);
  supervisor[Symbol.dispose]();
  assert.deepEqual(readdirSync(dir), ["busy"]);
  assert.equal(process.listenerCount("SIGUSR2"), 1, "the other supervisor's");
});

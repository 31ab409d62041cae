import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { type TestContext } from "node:test";
import type { ScriptCommand } from "../../main/config/model.js";
import { DeadlineClock } from "../../main/deadline-clock.js";
import { openScriptRunner } from "../../main/notify/open-script-runner.js";
import { ms } from "../../main/units.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import { run } from "../harness/command.js";
import { needs } from "../harness/needs.js";
import { withoutAnswer } from "../harness/silent-file-server.js";
import { until } from "../harness/until.js";

const options = { skip: needs("root", "native"), timeout: 60_000 };
const SOON = 10_000;
/** Of a script that has to have begun before its time is over: a shell takes a while on a busy machine. */
const LIMIT = 3000;

/** A folder that everybody may write to, and scripts in it that are run as somebody. */
class Workshop {
  readonly dir: string;
  readonly #clock = new DeadlineClock();
  readonly runner = openScriptRunner(this.#clock);

  constructor(t: TestContext) {
    this.dir = mkdtempSync(path.join(tmpdir(), "holdfast-script-"));
    chmodSync(this.dir, 0o777);
    t.after(async () => {
      await this.runner.stop();
      this.#clock[Symbol.dispose]();
      rmSync(this.dir, { recursive: true });
    });
  }

  write(name: string, text: string, mode = 0o755): string {
    const file = path.join(this.dir, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  run(user: ScriptCommand["user"], timeoutMs: number, file: string, ...args: readonly string[]): Promise<ScriptResult> {
    return new Promise((resolve) => this.runner.run({ argv: [file], user }, args, ms(timeoutMs), resolve));
  }

  /** What a script wrote. */
  read(name: string): string {
    return readFileSync(path.join(this.dir, name), "utf8").trim();
  }

  has(name: string): boolean {
    return existsSync(path.join(this.dir, name));
  }
}

const root = { name: "root", uid: 0, gid: 0 };

async function nobody(): Promise<ScriptCommand["user"]> {
  const [uid, gid] = [await run(["id", "-u", "nobody"]), await run(["id", "-g", "nobody"])];
  return { name: "nobody", uid: Number(uid), gid: Number(gid) };
}

const alive = (pid: number): boolean => existsSync(`/proc/${pid}/stat`) && !isZombie(pid);
const isZombie = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return true;
  }
};

test("a script runs as its user, with its arguments, without capabilities and other groups", options, async (t) => {
  const shop = new Workshop(t);
  const user = await nobody();
  const file = shop.write(
    "who",
    `#!/bin/sh\ncd "$(dirname "$0")"\n(id -u; id -g; id -G; echo "$2"; grep CapEff /proc/$$/status) > out\n`,
  );
  assert.deepEqual(await shop.run(user, 0, file, "INSTANCE", "V I 'x'"), { kind: "exited", value: 0 });
  assert.deepEqual(shop.read("out").split("\n"), [
    String(user.uid),
    String(user.gid),
    String(user.gid),
    "V I 'x'",
    "CapEff:\t0000000000000000",
  ]);
});

test("only the descriptors 0 to 2 are open, on /dev/null", options, async (t) => {
  const shop = new Workshop(t);
  const file = shop.write("fds", '#!/bin/sh\nexec ls -l /proc/self/fd > "$1"\n');
  await shop.run(root, 0, file, path.join(shop.dir, "out"));
  const shown = [...shop.read("out").matchAll(/ (\d+) -> (\S+)/g)].map(([, fd, target]) => `${fd} ${target}`);
  // Redirected by the script: 1. Opened by ls: 3, the folder that it lists.
  assert.deepEqual(
    shown.filter((line) => !line.endsWith("/out") && !/^3 \/proc\/\d+\/fd$/.test(line)),
    ["0 /dev/null", "2 /dev/null"],
  );
  assert.equal(shown.length, 4);
});

test("the environment is cleaned", options, async (t) => {
  process.env["LD_LIBRARY_PATH"] = "/nonexistent";
  t.after(() => {
    delete process.env["LD_LIBRARY_PATH"];
  });
  const shop = new Workshop(t);
  await shop.run(root, 0, shop.write("env", '#!/bin/sh\nenv > "$1"\n'), path.join(shop.dir, "out"));
  const names = shop
    .read("out")
    .split("\n")
    .map((line) => line.split("=")[0]);
  assert.ok(names.includes("PATH"));
  assert.ok(!names.includes("LD_LIBRARY_PATH"));
});

test("a script that hangs is killed with its children, also those that ignore SIGTERM", options, async (t) => {
  const shop = new Workshop(t);
  const child = "trap '' TERM; echo $$ > \"$0\"/child; while :; do sleep 1; done";
  const file = shop.write("hang", `#!/bin/sh\nsh -c "${child.replaceAll(/["$]/g, "\\$&")}" "$1" &\nwait\n`);
  const began = performance.now();
  const result = shop.run(root, LIMIT, file, shop.dir);
  await until("the child runs", SOON, () => shop.has("child") && shop.read("child") !== "");
  const pid = Number(shop.read("child"));
  assert.ok(alive(pid));
  assert.deepEqual(await result, { kind: "timed-out", value: 15 });
  assert.ok(performance.now() - began >= LIMIT);
  await until("the child is gone too", SOON, () => !alive(pid));
});

test("a script that ignores SIGTERM gets SIGKILL 2 s later", options, async (t) => {
  const shop = new Workshop(t);
  const file = shop.write("stubborn", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n");
  const began = performance.now();
  assert.deepEqual(await shop.run(root, LIMIT, file), { kind: "timed-out", value: 9 });
  assert.ok(performance.now() - began >= LIMIT + 2000);
});

test("what cannot be started is told by its errno", options, async (t) => {
  const shop = new Workshop(t);
  const rows: readonly (readonly [what: string, file: string, errno: number])[] = [
    ["no such file", path.join(shop.dir, "missing"), 2],
    ["not executable", shop.write("plain", "#!/bin/sh\n", 0o644), 13],
    ["missing interpreter", shop.write("odd", "#!/nonexistent/sh\n"), 2],
  ];
  for (const [what, file, value] of rows)
    assert.deepEqual(await shop.run(root, SOON, file), { kind: "not-started", value }, what);
});

test("a script without an interpreter line is run by the shell", options, async (t) => {
  const shop = new Workshop(t);
  const file = shop.write("text", 'exit "$1"\n');
  assert.deepEqual(await shop.run(root, SOON, file, "7"), { kind: "exited", value: 7 });
});

test("results of many at once, and starting one is quick", options, async (t) => {
  const shop = new Workshop(t);
  const file = shop.write("code", '#!/bin/sh\nexit "$1"\n');
  const codes = Array.from({ length: 50 }, (_, i) => i);
  const began = performance.now();
  const results = codes.map((code) => shop.run(root, SOON, file, String(code)));
  const starting = (performance.now() - began) / codes.length;
  t.diagnostic(`${starting.toFixed(2)} ms of the main thread for each start`);
  assert.deepEqual(
    await Promise.all(results),
    codes.map((value) => ({ kind: "exited", value })),
  );
});

test("stop ends what runs", options, async (t) => {
  const shop = new Workshop(t);
  const result = shop.run(root, 0, shop.write("long", "#!/bin/sh\nexec sleep 1000\n"));
  await shop.runner.stop();
  assert.deepEqual(await result, { kind: "signalled", value: 15 });
});

test(
  "a script on a file server that is gone is ended when its time is over, and holds up no other one",
  options,
  async (t) => {
    const shop = new Workshop(t);
    const gone = shop.write("gone", "#!/bin/sh\nexit 0\n");
    const here = shop.write("here", "#!/bin/sh\nexit 3\n");
    await using _ = await withoutAnswer(gone);
    let over = false;
    const hangs = shop.run(root, LIMIT, gone).finally(() => {
      over = true;
    });
    const others = await Promise.all([shop.run(root, 0, here), shop.run(root, 0, here)]);
    assert.ok(!over, "the others ended while the one that hangs had time left");
    assert.deepEqual(others, Array(2).fill({ kind: "exited", value: 3 }));
    assert.equal((await hangs).kind, "timed-out");
  },
);

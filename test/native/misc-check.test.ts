import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { checkId, ms } from "../../main/units.js";
import { loopClock } from "../../workers/loop-clock.js";
import { until } from "../harness/until.js";
import { miscCheck } from "../unit/health-fixtures.js";
import { alive, ScriptStand } from "./script-stand.js";

const nobody = { name: "nobody", uid: 65534, gid: 65534 };

const rows: readonly (readonly [name: string, text: string, dynamic: boolean, outcome: string, status: number])[] = [
  ["0 passes", "#!/bin/sh\nexit 0\n", false, "up", 0],
  ["1 fails", "#!/bin/sh\nexit 1\n", false, "exit-status", 1],
  ["7 fails", "#!/bin/sh\nexit 7\n", false, "exit-status", 7],
  ["0 passes, misc_dynamic", "#!/bin/sh\nexit 0\n", true, "up", 0],
  ["1 fails, misc_dynamic", "#!/bin/sh\nexit 1\n", true, "exit-status", 1],
  ["2 passes, misc_dynamic", "#!/bin/sh\nexit 2\n", true, "up", 2],
  ["255 passes, misc_dynamic", "#!/bin/sh\nexit 255\n", true, "up", 255],
  ["a signal fails, misc_dynamic", "#!/bin/sh\nkill -SEGV $$\n", true, "signal", 11],
  ["no interpreter named", "exit 3\n", false, "exit-status", 3],
  ["an interpreter that is not there", "#!/no/such\n", false, "not-started", 2],
  ["writes without end", "#!/bin/sh\nhead -c 100000000 /dev/zero; echo error >&2; exit 4\n", false, "exit-status", 4],
  ["reads its input", "#!/bin/sh\nread line; exit 5\n", false, "exit-status", 5],
  ["no descriptors but three", '#!/bin/sh\n[ "$(ls /proc/self/fd | wc -l)" = 4 ]\n', false, "up", 0],
  ["leads its process group", '#!/bin/sh\n[ "$(cut -d" " -f5 /proc/$$/stat)" = $$ ]\n', false, "up", 0],
];
for (const [name, text, dynamic, outcome, status] of rows) {
  test(`MISC_CHECK: ${name}`, async (t) => {
    const stand = new ScriptStand(t);
    const result = await stand.once({ argv: [stand.script("check", text)], dynamic });
    assert.deepEqual([result.outcome, result.status], [outcome, status]);
  });
}

test("MISC_CHECK: not executable, not there, and of another user", async (t) => {
  const stand = new ScriptStand(t);
  const plain = stand.script("plain", "#!/bin/sh\n", 0o644);
  const own = stand.script("own", "#!/bin/sh\n", 0o700);
  const found = [
    await stand.once({ argv: [plain] }, 1),
    await stand.once({ argv: [path.join(stand.dir, "none")] }, 2),
    await stand.once({ argv: [own], user: nobody }, 3),
  ];
  assert.deepEqual(
    found.map(({ outcome, status }) => `${outcome} ${status}`),
    ["not-started 13", "not-started 2", "not-started 13"],
  );
});

test("MISC_CHECK: runs as its user, with its groups, and no shell looks at its arguments", async (t) => {
  const stand = new ScriptStand(t);
  const text = '#!/bin/sh\n[ "$(id -u) $(id -g) $(id -G) $1" = "65534 65534 65534 12 \\$(id)" ]\n';
  const argv = [stand.script("who", text), "$(id)"] as const;
  const { outcome } = await stand.once({ argv, user: { ...nobody, groups: [65534, 12] } });
  assert.equal(outcome, "up");
});

test("MISC_CHECK: when its time is over all that it started is gone: deaf, in the background, and in a session of its own", async (t) => {
  const stand = new ScriptStand(t);
  const pids = path.join(stand.dir, "pids");
  const text = `#!/bin/sh
trap "" TERM
echo $$ >> ${pids}
sleep 60 & echo $! >> ${pids}
setsid sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 1; done' &
while :; do sleep 1; done
`;
  const result = await stand.once({ argv: [stand.script("hostile", text)], timeout: ms(2000) });
  assert.equal(result.outcome, "timeout");
  assert.ok(result.latency >= 3900 && result.latency < 11_500, `${result.latency} ms`); // 2 s, then 2 s to SIGKILL
  const started = readFileSync(pids, "latin1").trim().split("\n").map(Number);
  assert.equal(started.length, 3);
  await until("all are gone", 20_000, () => stand.prober.running === 0 && !started.some(alive));
});

test("MISC_CHECK: 60 slow programs share 5 processes, each runs once at a time, and in order", async (t) => {
  const stand = new ScriptStand(t, 5);
  const file = stand.script("slow", "#!/bin/sh\nsleep 0.1\n");
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, stand.prober.running)), 5);
  t.after(() => clearInterval(watch));
  for (let i = 1; i <= 60; i++) {
    stand.prober.add(checkId(i), miscCheck({ argv: [file, String(i)] }), []);
    stand.prober.arm(checkId(i), 1, ms(0));
  }
  await until("all ran", 60_000, () => stand.results.length === 60);
  assert.ok(most >= 2 && most <= 5, `${most} at once`);
  const all = Array.from({ length: 60 }, (_, i) => i + 1);
  assert.deepEqual(
    stand.started.map((argv) => Number(argv.at(-1))),
    all,
  );
  const ended = stand.results.map(({ id }) => Number(id));
  assert.deepEqual(
    ended.toSorted((a, b) => a - b),
    all,
  );
});

test("MISC_CHECK: the next run is counted from the last start", async (t) => {
  const stand = new ScriptStand(t);
  const check = miscCheck({ argv: [stand.script("slow", "#!/bin/sh\nsleep 0.9\n")] });
  const id = checkId(1);
  stand.prober.add(id, check, [7]);
  const begin = loopClock.now();
  for (let run = 1; run <= 4; run++) {
    stand.prober.arm(id, run, ms(run === 1 ? 0 : 1000));
    await until("a result", 30_000, () => stand.results.length === run);
  }
  const took = loopClock.now() - begin;
  const running = stand.results.map(({ latency }) => latency);
  const fromTheEnd = 3 * 1000 + running.reduce((sum, n) => sum + n, 0);
  assert.ok(took >= 3 * 1000 && took < fromTheEnd, `${took} ms, from the end ${fromTheEnd} ms`);
});

test("MISC_CHECK: a check that is given up takes its program with it", async (t) => {
  const stand = new ScriptStand(t);
  const pid = path.join(stand.dir, "pid");
  stand.prober.add(
    checkId(1),
    miscCheck({ argv: [stand.script("s", `#!/bin/sh\necho $$ > ${pid}\nexec sleep 60\n`)] }),
    [],
  );
  stand.prober.arm(checkId(1), 1, ms(0));
  await until("it runs", 20_000, () => {
    try {
      return readFileSync(pid, "latin1").endsWith("\n");
    } catch {
      return false;
    }
  });
  stand.prober.remove(checkId(1));
  await until("it is gone", 20_000, () => stand.prober.running === 0 && !alive(Number(readFileSync(pid, "latin1"))));
  assert.deepEqual(stand.results, []);
});

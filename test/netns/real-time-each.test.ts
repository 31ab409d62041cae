import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { hasCommand, needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { config, type Router, vip } from "./pairing.js";

const router: Router = { version: 3, advertInt: 100 };
const realTime = "global_defs {\n  vrrp_rt_priority 50\n}";

/** With as many real-time daemons as processors a main thread that waits for a thread below it may find no processor left for that one. */
test("real time in as many daemons as there are processors: all start at once, and stop", {
  skip: needs("root", "netns", "native") || (availableParallelism() > 4 ? "too many processors" : false),
  timeout: 90_000,
}, async () => {
  const names = Array.from({ length: availableParallelism() }, (_, i) => `h${i}`);
  await using lan = await Lan.create(plainHosts(...names));
  // Each on a segment of its own: all are masters.
  for (const name of names) await lan.cut(name, "silence");
  const daemons = await Promise.all(
    names.map((name) =>
      lan.host(name).start(holdfast("memory"), config(router, 100, { blocks: [realTime] }), ["--vrrp"]),
    ),
  );
  await Promise.all(names.map((name) => until(`${name} master`, 30_000, () => lan.host(name).hasAddress(vip), 100)));
  await Promise.all(daemons.map((daemon) => daemon.stop()));
});

/** Threads of its own that are below them get a processor only while the main thread sleeps, and it waits for those without sleeping. */
test("real time beside programs below it that never sleep, on all processors but one: it becomes master, and stops", {
  skip: needs("root", "netns", "native") || (hasCommand("chrt") ? false : "needs chrt"),
  timeout: 90_000,
}, async (t) => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  for (let i = 1; i < availableParallelism(); i++) {
    const busy = spawn("chrt", ["--rr", "40", "sh", "-c", "while :; do :; done"], { stdio: "ignore" });
    t.after(() => busy.kill("SIGKILL"));
  }
  for (let round = 0; round < 4; round++) {
    const daemon = await a.start(holdfast("memory"), config(router, 100, { blocks: [realTime] }), ["--vrrp"]);
    await until("master", 20_000, () => a.hasAddress(vip), 100);
    await daemon.stop();
  }
});

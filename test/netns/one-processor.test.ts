import { readFileSync } from "node:fs";
import { test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { hasCommand, needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { config, type Router, vip } from "./pairing.js";

const skip = needs("root", "netns", "native") || (hasCommand("taskset") ? false : "needs taskset");
const router: Router = { version: 3, advertInt: 100 };

/** A main thread in a real-time class that does not sleep leaves a single processor to nobody below it. */
test("real time on a single processor: it starts, becomes master, and stops", { skip, timeout: 90_000 }, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const ours = holdfast("memory");
  const last = /^Cpus_allowed_list:.*?(\d+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const pinned = { ...ours, argv: ["taskset", "-c", last, ...ours.argv] };
  const realTime = "global_defs {\n  vrrp_rt_priority 50\n}";
  const daemon = await a.start(pinned, config(router, 100, { blocks: [realTime] }), ["--vrrp"]);
  await until("master", 30_000, () => a.hasAddress(vip), 100);
  await daemon.stop();
});

import { availableParallelism } from "node:os";
import { test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { config, type Router, vip } from "./pairing.js";

const router: Router = { version: 3, advertInt: 100 };

/** With as many real-time daemons as processors a main thread that waits for a thread below it may find no processor left for that one. */
test("real time in as many daemons as there are processors: all start at once, and stop", {
  skip: needs("root", "netns", "native") || (availableParallelism() > 4 ? "too many processors" : false),
  timeout: 90_000,
}, async () => {
  const names = Array.from({ length: availableParallelism() }, (_, i) => `h${i}`);
  await using lan = await Lan.create(plainHosts(...names));
  const realTime = "global_defs {\n  vrrp_rt_priority 50\n}";
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

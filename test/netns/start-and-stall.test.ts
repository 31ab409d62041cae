import assert from "node:assert/strict";
import { test } from "node:test";
import { holdfast, keepalived, type Program } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** vrrp_startup_delay, timer_expired_backup and log_unknown_vrids in a real daemon, beside keepalived. */

const vip = "192.0.2.100";
const instance = (priority: number, more: readonly string[] = []): string => `
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  ${more.join("\n  ")}
  virtual_ipaddress {
    ${vip}/24
  }
}
`;
const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 90_000 };
const SOON = 20_000;
const ours = holdfast("memory");

/** Master_Down_Interval at priority 100: 3 x 1 s + (256 - 100) / 256 s. */
const DOWN_MS = 3609;
const DELAY_MS = 2000;
/** Reading addresses with `ip`, and a busy machine. */
const LATE_MS = 2500;

for (const program of [ours, keepalived] satisfies Program[]) {
  test(`vrrp_startup_delay: ${program.name} is MASTER after the delay and Master_Down_Interval`, options, async () => {
    await using lan = await Lan.create(plainHosts("a"));
    const a = lan.host("a");
    const text = `global_defs {\n  vrrp_startup_delay ${DELAY_MS / 1000}\n}\n${instance(100)}`;
    // It began between the two moments. Its start takes less than the delay, which would be missed if it were not waited for.
    const before = performance.now();
    const daemon = await a.start(program, text, ["--vrrp"]);
    await until("it is BACKUP", SOON, async () => (await daemon.log()).includes("Entering BACKUP STATE (init)"), 20);
    const after = performance.now();
    await daemon.says("Delaying startup for 2 seconds");
    await until("it is MASTER", SOON, () => a.hasAddress(vip), 20);
    const [most, least] = [performance.now() - before, performance.now() - after];
    const due = DELAY_MS + DOWN_MS;
    assert.ok(most > due && least < due + LATE_MS, `took ${least.toFixed(0)} to ${most.toFixed(0)} ms, due ${due} ms`);
    await daemon.says(/Delayed start completed|Receive advertisement timeout/);
  });
}

test("timer_expired_backup: stopped for too long, it follows the weaker router that took over", options, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const [a, b] = [lan.host("a"), lan.host("b")];
  const master = await a.start(ours, instance(200, ["nopreempt", "timer_expired_backup 100"]), ["--vrrp"]);
  await until("a is MASTER", SOON, () => a.hasAddress(vip));
  const other = await b.start(keepalived, instance(100, ["nopreempt"]), ["--vrrp"]);
  await until("b listens", SOON, async () => (await other.log()).includes("Entering BACKUP STATE (init)"));
  const { nodePid } = master;
  assert.ok(nodePid !== undefined);
  process.kill(nodePid, "SIGSTOP");
  try {
    await until("b has taken over", SOON, () => b.hasAddress(vip), 50);
  } finally {
    process.kill(nodePid, "SIGCONT");
  }
  await until("a has given way", SOON, async () => !(await a.hasAddress(vip)), 20);
  const why = /timers ran so late .* giving way to it/;
  await until("it says why", SOON, async () => why.test(await master.log()));
  assert.ok(await b.hasAddress(vip));
  assert.ok(!(await other.log()).includes("lower priority"), "a has not insisted");
  const heard = (await master.log()).split("Entering MASTER STATE").length;
  await new Promise((resolve) => setTimeout(resolve, DOWN_MS));
  assert.equal((await master.log()).split("Entering MASTER STATE").length, heard, "b's adverts are followed");
});

test("log_unknown_vrids: another virtual router on the wire is told", options, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const [a, b] = [lan.host("a"), lan.host("b")];
  const text = `global_defs {\n  log_unknown_vrids\n}\n${instance(100)}`;
  const daemon = await a.start(ours, text, ["--vrrp"]);
  await b.start(keepalived, instance(100).replace("virtual_router_id 51", "virtual_router_id 7"), ["--vrrp"]);
  const sentence = "Unknown VRID(7) received on interface(eth0) from 192.0.2.2. ignoring...";
  await until("it is told", SOON, async () => (await daemon.log()).includes(sentence));
});

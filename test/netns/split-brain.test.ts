import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { askStatus } from "../../main/control/status-client.js";
import { type Daemon, holdfast } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { type HostSpec, Lan } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { stays, until } from "../harness/until.js";

/** Real daemons with a guard, on two segments: eth0 carries VRRP and the address, eth1 the heartbeats. */

const vip = "192.0.2.100";
const ours = holdfast("memory");
/** Start-up and elections, generously; the machine has other work. */
const SETTLE = 15_000;
/** Heartbeats have the same: a pause of the machine must not be a silence, after which a claim is right. */
const ADVERT_INT = 0.3;
/** Many times three such intervals and the skew. */
const QUIET = 4500;
const options = { skip: needs("root", "netns"), timeout: 120_000 };

const hosts = (...names: readonly string[]): readonly HostSpec[] =>
  names.map((name, i) => ({
    name,
    links: [
      { device: "eth0", segment: "one", addresses: [`192.0.2.${i + 1}/24`] },
      { device: "eth1", segment: "two", addresses: [`198.51.100.${i + 1}/24`] },
    ],
  }));

const config = (priority: number, guard: string): string => `
global_defs {
  router_id test
  script_user root
  enable_script_security
}
vrrp_instance V {
  state BACKUP
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int ${ADVERT_INT}
  virtual_ipaddress {
    ${vip}/24
  }
  split_brain_guard {
    ${guard}
  }
}
`;

const heartbeat = (own: number, peer: number, key = "0123456789abcdef"): string =>
  `heartbeat 198.51.100.${own} 198.51.100.${peer} key ${key}`;

/** With its control socket open. */
async function start(host: Host, priority: number, guard: string): Promise<Daemon> {
  const daemon = await host.start(ours, config(priority, guard), ["--vrrp"]);
  await says(daemon, /Startup complete/);
  return daemon;
}

const says = (daemon: Daemon, what: RegExp): Promise<unknown> =>
  until(`the log says ${what}`, SETTLE, async () => what.test(await daemon.log()), 50);

const guardOf = async (daemon: Daemon) => {
  const status = await askStatus(daemon.files.controlSocket);
  return status.instances[0]?.guard ?? assert.fail("the status shows no guard");
};

const becomesMaster = (host: Host): Promise<unknown> =>
  until(`${host.name} has the address`, SETTLE, () => host.hasAddress(vip), 50);

const staysBackup = (host: Host): Promise<unknown> =>
  stays(`${host.name} has no address`, QUIET, async () => !(await host.hasAddress(vip)), 100);

test(
  "the VRRP network is cut, heartbeats are not: no second master; and a crash is told from it",
  options,
  async () => {
    await using lan = await Lan.create(hosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    const master = await start(a, 200, heartbeat(1, 2));
    await becomesMaster(a);
    const backup = await start(b, 100, heartbeat(2, 1));
    await says(backup, /Entering BACKUP STATE/);
    await until("b hears a's heartbeats", SETTLE, async () => (await guardOf(backup)).peers[0]?.state === "MASTER", 50);

    await lan.cut("b", "silence");
    await says(backup, /\(V\) split_brain_guard holds the claim: 198\.51\.100\.1 says that it is MASTER/);
    await staysBackup(b);
    assert.ok(await a.hasAddress(vip));
    assert.match((await guardOf(backup)).waits ?? "", /says that it is MASTER/);
    assert.equal((await guardOf(backup)).counters.held, 1);

    await master.crash();
    await becomesMaster(b);
  },
);

test("heartbeats of somebody with another key are counted, and not believed", options, async () => {
  await using lan = await Lan.create(hosts("a", "b"));
  const [a, b] = [lan.host("a"), lan.host("b")];
  await start(a, 200, heartbeat(1, 2, "another key of 16"));
  await becomesMaster(a);
  const backup = await start(b, 100, heartbeat(2, 1));
  await until("they are counted", SETTLE, async () => (await guardOf(backup)).counters.badHeartbeats > 5, 50);
  assert.equal((await guardOf(backup)).peers[0]?.state, undefined);
});

test(
  "both networks are cut: two masters, an event on both when heartbeats are back, and its end",
  options,
  async () => {
    await using lan = await Lan.create(hosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    const first = await start(a, 200, heartbeat(1, 2));
    await becomesMaster(a);
    const second = await start(b, 100, heartbeat(2, 1));
    await until("b hears a's heartbeats", SETTLE, async () => (await guardOf(second)).peers[0]?.state === "MASTER", 50);
    await lan.cut("b", "silence", "eth1");
    await lan.cut("b", "silence");
    await becomesMaster(b);
    await lan.heal("b", "eth1");
    for (const daemon of [first, second]) await says(daemon, /\(V\) two masters: 198\.51\.100\.\d is MASTER too/);
    assert.equal((await guardOf(first)).counters.twoMasters, 1);
    await until("b, the weaker one, gave way", SETTLE, async () => !(await b.hasAddress(vip)), 50);
    await says(first, /\(V\) one master again/);
    await staysBackup(b);
    await lan.heal("b");
    await staysBackup(b);
    assert.ok(await a.hasAddress(vip));
  },
);

test("heartbeats over IPv6, and the lines of notify_fifo about two masters", options, async () => {
  const six: readonly HostSpec[] = hosts("a", "b").map((host, i) => ({
    ...host,
    links: host.links.map((link) =>
      link.device === "eth1" ? { ...link, addresses: [`2001:db8:1::${i + 1}/64`] } : link,
    ),
  }));
  await using lan = await Lan.create(six);
  const [a, b] = [lan.host("a"), lan.host("b")];
  const key = "key 0123456789abcdef";
  const first = await start(a, 200, `heartbeat 2001:db8:1::1 2001:db8:1::2 ${key}`);
  await becomesMaster(a);
  const pipe = path.join(lan.dir, "b.fifo");
  const guard = `heartbeat 2001:db8:1::2 2001:db8:1::1 ${key}\n    notify_fifo`;
  const text = config(100, guard).replace("router_id test", `router_id test\n  notify_fifo ${pipe}`);
  const second = await b.start(ours, text, ["--vrrp"]);
  await says(second, /Startup complete/);
  const lines = path.join(lan.dir, "lines");
  await b.spawn(["sh", "-c", `exec cat ${pipe} >${lines}`]);
  const hears = (): Promise<boolean> => guardOf(second).then(({ peers }) => peers[0]?.state === "MASTER");
  await until("b hears a's heartbeats", SETTLE, hears, 50);
  assert.equal((await guardOf(second)).peers[0]?.address, "2001:db8:1::1");
  await lan.cut("b", "silence");
  await says(second, /holds the claim: 2001:db8:1::1 says that it is MASTER/);
  await lan.cut("b", "silence", "eth1");
  await becomesMaster(b);
  await lan.heal("b", "eth1");
  await until("b gave way", SETTLE, async () => !(await b.hasAddress(vip)), 50);
  await says(first, /\(V\) one master again/);
  const about = async (): Promise<readonly string[]> =>
    (await readFile(lines, "utf8")).split("\n").filter((line) => line.includes("_MASTER"));
  await until("the lines are there", SETTLE, async () => (await about()).length >= 2, 50);
  assert.deepEqual(await about(), ['INSTANCE "V" TWO_MASTERS 100', 'INSTANCE "V" ONE_MASTER 100']);
});

const listens = {
  tcp: "require('net').createServer(s => s.end()).listen(7)",
  http: "require('http').createServer((q, r) => { r.statusCode = q.url === '/alive' ? 200 : 404; r.end() }).listen(8080)",
} as const;

for (const { name, witness, problem } of [
  { name: "ping", witness: "192.0.2.9", problem: /192\.0\.2\.9 \(/ },
  { name: "tcp", witness: "tcp 192.0.2.2 7", problem: /tcp 192\.0\.2\.2 7 \(ECONNREFUSED\)/ },
  {
    name: "http",
    witness: "http http://192.0.2.2:8080/alive",
    problem: /http http:\/\/192\.0\.2\.2:8080\/alive \(ECONNREFUSED\)/,
  },
] as const) {
  test(`a witness that does not answer, ${name}: no claim until it does`, options, async () => {
    await using lan = await Lan.create(hosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    const daemon = await start(a, 200, `witness ${witness} timeout 0.3`);
    await says(daemon, /holds the claim: 1 of 1 witnesses must answer/);
    await says(daemon, problem);
    await staysBackup(a);
    if (name === "ping") await b.exec(["ip", "addr", "add", "192.0.2.9/24", "dev", "eth0"]);
    else await b.spawn([process.execPath, "-e", listens[name]]);
    await becomesMaster(a);
  });
}

for (const { family, address, add } of [
  { family: "ARP", address: vip, add: `${vip}/24` },
  { family: "neighbour solicitation", address: "2001:db8::100", add: "2001:db8::100/64" },
]) {
  test(`somebody answers for the address (${family}): no claim until it is gone`, options, async () => {
    await using lan = await Lan.create(hosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    await b.exec(["ip", "addr", "add", add, "dev", "eth0", ...(address === vip ? [] : ["nodad"])]);
    const text = config(200, "probe_address 0.3").replace(`${vip}/24`, add);
    const daemon = await a.start(ours, text, ["--vrrp"]);
    await says(daemon, /holds the claim: \S+ is still used by (?:[0-9a-f]{2}:){5}[0-9a-f]{2} on eth0/);
    assert.ok((await daemon.log()).includes(await b.mac()), "the one who has it is named");
    await stays("a has no address", QUIET, async () => !(await a.hasAddress(address)), 100);
    await b.exec(["ip", "addr", "del", add, "dev", "eth0"]);
    await until("a has the address", SETTLE, () => a.hasAddress(address), 50);
  });
}

test("a fencing script that fails: no claim; one that succeeds: claim", options, async () => {
  await using lan = await Lan.create(hosts("a", "b"));
  const a = lan.host("a");
  const script = path.join(lan.dir, "fence");
  const ran = path.join(lan.dir, "ran");
  await writeFile(script, `#!/bin/sh\necho "$1" >>${ran}\nexit 3\n`);
  await chmod(script, 0o755);
  const failing = await start(a, 200, `fence "${script}"`);
  await says(failing, /holds the claim: the fencing script failed: exit code 3/);
  await staysBackup(a);
  await failing.stop();
  await writeFile(script, `#!/bin/sh\necho "$1" >>${ran}\n`);
  await start(a, 200, `fence "${script}"`);
  await becomesMaster(a);
  assert.equal(await readFile(ran, "utf8"), "V\nV\n");
});

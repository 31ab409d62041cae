import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, holdfast, keepalived, type Program } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { Metronome } from "../harness/metronome.js";
import { needs } from "../harness/needs.js";
import { stays, until } from "../harness/until.js";

/** A session of 50 ms x 3 with each peer, which a virtual router follows; then the path goes, without a link going down. */

const [A4, B4, A6, B6] = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"] as const;
const VIP = "192.0.2.100";
/** 50 ms x 3. */
const DETECTION = 150;
/** What a machine with other work may add: the session may not be found later than one that runs 250 ms x 3. */
const BUSY = 600;
const SETTLE = 15_000;

/** Both ends have to be on time on a machine with other work, or the session rightly ends. */
const globals = `
global_defs {
  router_id test
  vrrp_rt_priority 10
  bfd_rt_priority 10
  bfd_rlimit_rttime 500000
}`;

const session = (source: string, neighbor: string, more = ""): string => `
bfd_instance B1 {
  source_ip ${source}
  neighbor_ip ${neighbor}
  min_rx 50
  min_tx 50
  multiplier 3
  ${more}
}
`;

const follower = (blocks: string, advertInterval = 0.1): string => `
${globals}
${blocks}
vrrp_instance V1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 100
  version 3
  advert_int ${advertInterval}
  virtual_ipaddress {
    ${VIP}/24
  }
  track_bfd {
    B1
  }
}
virtual_server 192.0.2.200 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.0.2.201 80 {
    BFD_CHECK {
      name B1
    }
  }
}
`;

interface Peer {
  readonly name: string;
  readonly own: string;
  /** Runs the other end, on host b. @returns how to end it */
  readonly start: (lan: Lan) => Promise<() => Promise<unknown>>;
}

const daemonPeer =
  (program: Program, source: string, neighbor: string, more = "") =>
  async (lan: Lan) => {
    const daemon = await lan.host("b").start(program, `${globals}\n${session(source, neighbor, more)}`);
    return () => daemon.stop();
  };

const realTime = ["chrt", "-r", "10"] as const;

const frr = (peer: string, local: string) => async (lan: Lan) => {
  await chmod(lan.dir, 0o755);
  const dir = path.join(lan.dir, "frr");
  await mkdir(dir);
  await chmod(dir, 0o777); // its daemons are no root
  const intervals = "  detect-multiplier 3\n  receive-interval 50\n  transmit-interval 50\n  no shutdown\n !\n!\n";
  await writeFile(
    path.join(dir, "bfdd.conf"),
    `bfd\n peer ${peer} local-address ${local} interface eth0\n${intervals}`,
  );
  const common = ["-z", `${dir}/zebra.sock`, "--vty_socket", dir, "-P", "0", "--log", "stdout"];
  const zebra = await lan.host("b").spawn([...realTime, "/usr/lib/frr/zebra", "-i", `${dir}/zebra.pid`, ...common]);
  await until("zebra answers: bfdd asks once for the interfaces", SETTLE, () => existsSync(`${dir}/zebra.sock`));
  const own = ["-f", `${dir}/bfdd.conf`, "-i", `${dir}/bfdd.pid`, "--bfdctl", `${dir}/bfdctl.sock`];
  const bfdd = await lan.host("b").spawn([...realTime, "/usr/lib/frr/bfdd", ...own, ...common]);
  return () => Promise.all([bfdd, zebra].map(ended));
};

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill();
  await exit;
}

const peers: readonly Peer[] = [
  { name: "keepalived", own: session(A4, B4), start: daemonPeer(keepalived, B4, A4) },
  { name: "keepalived, IPv6 with defaults", own: session(A6, B6), start: daemonPeer(keepalived, B6, A6) },
  { name: "bfdd of frr", own: session(A4, B4), start: frr(A4, B4) },
  { name: "bfdd of frr, IPv6 with defaults", own: session(A6, B6), start: frr(A6, B6) },
  {
    name: "holdfast, several hops, passive",
    own: session(A4, B4, "multihop\n  max_hops 5"),
    start: daemonPeer(holdfast("memory"), B4, A4, "multihop\n  passive"),
  },
];

for (const { name, own, start } of peers) {
  const skip = needs("root", "netns", "native", "keepalived", "bfdd");
  test(`with ${name}: up, a silent path takes the addresses away in time, and they come back`, { skip }, async (t) => {
    await using lan = await Lan.create([
      { name: "a", links: [{ addresses: [`${A4}/24`, `${A6}/64`] }] },
      { name: "b", links: [{ addresses: [`${B4}/24`, `${B6}/64`] }] },
    ]);
    const a = lan.host("a");
    for (const host of ["a", "b"]) await lan.host(host).sysctl({ "net.ipv6.conf.eth0.accept_dad": "0" });
    const endPeer = await start(lan);
    await using ours = await a.start(holdfast("memory"), follower(own));
    const holds = (): Promise<boolean> => a.hasAddress(VIP);
    try {
      await until("the addresses with the session up", SETTLE, holds);
      await sleep(3000); // steady, the intervals negotiated
      await until("the addresses, whatever the machine did to the session", SETTLE, holds);
      const before = (await ours.log()).length;
      const news = async (): Promise<string> => (await ours.log()).slice(before);
      await lan.cut("b", "silence");
      const gone = await until("no addresses without the path", SETTLE, async () => !(await holds()));
      t.diagnostic(`addresses gone ${gone.toFixed(0)} ms after the cut`);
      assert.ok(gone < DETECTION + BUSY, `${gone} ms`);
      const saysDown = async (): Promise<boolean> => (await news()).includes("] RS([192.0.2.201]:tcp:80) is DOWN");
      await until("it is said", SETTLE, saysDown);
      const log = await news();
      assert.match(log, /\(B1\) Expired after 150 ms \(\d+ usec overdue\)/);
      assert.match(log, /\(B1\) Entering DOWN state \(Local diagnostic - Control Detection Time Expired/);
      assert.match(log, /BFD check of \[B1\] RS\(\[192\.0\.2\.201\]:tcp:80\) is DOWN/);
      await lan.heal("b");
      await until("the addresses again", SETTLE, holds);
      const checkUp = /is DOWN[\s\S]*BFD check of \[B1\] RS\(\[192\.0\.2\.201\]:tcp:80\) is UP/;
      await until("the server again", SETTLE, async () => checkUp.test(await news()));
      await survives(ours, "Reload complete", () => ours.signal("SIGHUP"));
      await survives(ours, "", () => lan.host("b").exec(["node", "-e", floodOf(own.includes(A6) ? A6 : A4)]));
    } finally {
      await endPeer();
    }
  });
}

test("a master that follows a session goes on after a crash: the session is new, and the path was well", {
  skip: needs("root", "netns", "native", "keepalived"),
}, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const a = lan.host("a");
  const endPeer = await daemonPeer(keepalived, B4, A4)(lan);
  // An instance goes on within two intervals of its last advert, and Node needs some of that to start.
  await using ours = await a.start(holdfast("memory"), follower(session(A4, B4), 2));
  try {
    const holds = (): Promise<boolean> => a.hasAddress(VIP);
    await until("the addresses with the session up", SETTLE, holds);
    const said = async (what: RegExp): Promise<number> => (await ours.log()).split(what).length - 1;
    await until("a spare that has loaded its code", 4 * SETTLE, () => ours.spareRests());
    const crashed = ours.nodePid ?? assert.fail("no daemon");
    const [left, ups] = [await said(LEFT), await said(UP)];
    process.kill(crashed, "SIGKILL");
    await stays("the addresses", 5000, holds); // 3 s for the session to come up, and the rest of a start
    await until("the session came up anew", SETTLE, async () => (await said(UP)) > ups);
    assert.ok(await holds());
    assert.equal(await said(/Resuming MASTER STATE/g), 1, await ours.log());
    assert.equal(await said(LEFT), left, "only at the first start");
    assert.equal(await said(UP), ups + 1);
  } finally {
    await endPeer();
  }
});

test("link-local addresses: no interface is named, so neither program has a session, and ours says why", {
  skip: needs("root", "netns", "native", "keepalived"),
}, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  for (const host of ["a", "b"]) {
    await lan.host(host).sysctl({ "net.ipv6.conf.eth0.accept_dad": "0" });
    await lan.host(host).exec(["ip", "addr", "add", `fe80::${host}/64`, "dev", "eth0"]);
  }
  await using theirs = await lan.host("b").start(keepalived, follower(session("fe80::b", "fe80::a")));
  await using ours = await lan.host("a").start(holdfast("memory"), follower(session("fe80::a", "fe80::b")));
  const says = (daemon: Daemon, what: RegExp): Promise<number> =>
    until(String(what), SETTLE, async () => what.test(await daemon.log()));
  await says(theirs, /\(B1\) Entering AdminDown state/);
  await says(ours, /BFD instance B1: fe80::b is a link-local address/);
  await says(ours, /\(B1\) no socket from fe80::a to fe80::b: EINVAL/);
  assert.ok(!(await lan.host("a").hasAddress(VIP)), "who follows the session is in FAULT");
});

const UP = /\(B1\) Entering UP state/g;
const LEFT = /Entering FAULT STATE|Entering BACKUP STATE/g;

/** Packets of the right shape with discriminators at random, as fast as they go for half a second. */
const floodOf = (target: string): string => `
const { randomBytes } = require("node:crypto");
const socket = require("node:dgram").createSocket("${target.includes(":") ? "udp6" : "udp4"}");
socket.bind(0, () => {
  socket.setTTL(255);
  const end = Date.now() + 500;
  const send = () => {
    if (Date.now() > end) return socket.close();
    for (let i = 0; i < 100; i++) {
      const bytes = randomBytes(24);
      bytes.set([0x20, 0xc0, 3, 24]);
      socket.send(bytes, 3784, "${target}");
    }
    setImmediate(send);
  };
  send();
});`;

/**
 * The session does not notice. A machine that keeps threads waiting for as long as two packets of the three may go missing ends it
 * rightly; such a time does not count, twice at most.
 */
async function survives(daemon: Daemon, said: string, doing: () => unknown): Promise<void> {
  for (let round = 1; ; round++) {
    const before = (await daemon.log()).length;
    const news = async (): Promise<string> => (await daemon.log()).slice(before);
    using metronome = new Metronome();
    await doing();
    await until(`"${said}"`, SETTLE, async () => (await news()).includes(said));
    await sleep(2 * DETECTION);
    const changed = (await news()).includes("(B1) Entering");
    if (!changed) return;
    if (round === 3 || metronome.worst < (2 * DETECTION) / 3)
      assert.fail(`a thread of the usual class was up to ${metronome.worst.toFixed(0)} ms late\n${await news()}`);
    await until("the session is up again", SETTLE, async () =>
      /\(B1\) Entering UP state(?![\s\S]*\(B1\))/.test(await news()),
    );
  }
}

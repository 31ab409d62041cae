import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type Daemon, holdfast, keepalived } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { type HostSpec, Lan } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { type HostState, hostState } from "./host-state.js";

/** Addresses, routes and rules on the host, beside keepalived with the same file: `ip -j` is the judge. */

const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 240_000 };
const ours = holdfast("memory");
const SOON = 20_000;

/** Two hosts with the same address, each alone on its segment. */
const apart: readonly HostSpec[] = ["a", "b"].map((name) => ({
  name,
  links: [
    { segment: `lan${name}`, addresses: ["192.0.2.1/24"] },
    { device: "eth1", segment: `side${name}`, addresses: ["203.0.113.1/24"] },
  ],
}));

const instance = (lines: string): string => `
global_defs {
  router_id test
}
vrrp_instance V1 {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 255
  version 3
  advert_int 0.1
  virtual_ipaddress {
    192.0.2.100/24
  }
  ${lines}
}
`;

/** Every option that this kernel and keepalived 2.2.7 know. Encapsulation and VRF need modules. */
const everything = `${instance(`
  virtual_ipaddress_excluded {
    192.0.2.101 dev eth0 peer 192.0.2.200
    192.0.2.103/25 noprefixroute
    198.18.0.1/24 dev eth1 label eth1:v
    2001:db8::1/64 home mngtmpaddr
    2001:db8::2/64 -nodad preferred_lft 0
    2001:db8::3/128
    2001:db8::4/128 preferred_lft forever
  }
  virtual_routes {
    198.51.100.0/24 via 192.0.2.9
    198.51.101.0/24 dev eth0 scope link src 192.0.2.100 metric 5 table 77
    198.51.102.0/24 via 192.0.2.9 dev eth0 onlink mtu lock 1400 advmss 1000 hoplimit 9 quickack 1 features ecn
    198.51.103.0/24 via 192.0.2.9 rtt 300 rttvar 250 rto_min 300 initcwnd 4 initrwnd 5 window 4000 cwnd 8 ssthresh 9 reordering 7 congctl lock cubic
    198.51.104.0/24 via 192.0.2.9 realms 3/4 tos 0x10 no_track protocol static
    198.51.105.0/24 nexthop via 192.0.2.9 dev eth0 weight 3 nexthop via 192.0.2.10 dev eth0 weight 2 onlink
    198.51.108.0/24 via 192.0.2.9 append
    198.51.109.0/24 via 192.0.2.9 add no_track
    198.51.111.0/24 dev eth1
    198.51.112.0/24 dev eth0 scope host fastopen_no_cookie 1
    198.51.113.0/24 dev eth1 table 1000
    blackhole 198.51.106.0/24
    unreachable 198.51.107.0/24 metric 10
    prohibit 198.51.114.0/24
    throw 198.51.115.0/24 table 88
    default via 192.0.2.9 table 99
    2001:db8:1::/64 via fe80::9 dev eth0 metric 20 pref high
    2001:db8:2::/64 via fe80::9 dev eth0 expires 1000
    2001:db8:3::/64 from 2001:db8::/64 via fe80::9 dev eth0
    2001:db8:4::/64 nexthop via fe80::9 dev eth0 weight 3 nexthop via fe80::a dev eth0
    unreachable 2001:db8:5::/64
  }
  virtual_rules {
    from 10.0.0.0/8 table 77 preference 100
    to 10.0.0.0/8 table 77 preference 101 not
    from 10.1.0.0/16 to 10.2.0.0/16 iif eth0 oif eth1 fwmark 0x3/0xff tos 0x10 table 300 preference 102
    from 10.3.0.0/16 blackhole preference 103
    from 10.4.0.0/16 prohibit preference 104
    from 10.5.0.0/16 unreachable preference 105
    from 10.6.0.0/16 goto 200 preference 106
    from 10.7.0.0/16 nop preference 107
    uidrange 10-20 ipproto tcp sport 70-80 dport 90-99 table 77 preference 108
    from 10.8.0.0/16 table 77 suppress_prefixlength 8 suppress_ifgroup 5 realms 3/4 preference 109
    tunnel-id 33 table 77 preference 110
    from 10.9.0.0/16 l3mdev preference 112
    fwmark 7 table 77
    from 2001:db8:9::/64 table 77 preference 111
  }
`)}
static_ipaddress {
  198.18.1.1/24 dev eth1
}
static_routes {
  198.51.200.0/24 via 198.18.1.9 dev eth1
  2001:db8:200::/48 via fe80::9 dev eth0
}
static_rules {
  from 10.200.0.0/16 table 77 preference 300
}
`;

async function master(host: Host, daemon: Daemon): Promise<void> {
  await until("it is master", 60_000, () => host.hasAddress("192.0.2.100"));
  await until("it has said so", SOON, async () => /Entering MASTER STATE/.test(await daemon.log()));
}

test("every option: the host looks as with keepalived, and as before when it has left", options, async () => {
  await using lan = await Lan.create(apart);
  const [a, b] = [lan.host("a"), lan.host("b")];
  const before = await hostState(a);
  const started = [await a.start(ours, everything, ["--vrrp"]), await b.start(keepalived, everything, ["--vrrp"])];
  for (const [i, host] of [a, b].entries()) await master(host, started[i] as Daemon);
  const tentative = async (): Promise<boolean> =>
    JSON.stringify([await hostState(a), await hostState(b)]).includes("tentative");
  await until("duplicates have been looked for", SOON, async () => !(await tentative()));
  // The log may tell of a state before its last route is there.
  let [got, want] = [before, before];
  const isAlike = async (): Promise<boolean> => {
    [got, want] = [await hostState(a), await hostState(b)];
    return want.routes.length > 20 && want.rules.length > 14 && isDeepStrictEqual(got, want);
  };
  await until("both hosts look the same", SOON, isAlike).catch(() => undefined);
  assert.deepEqual(got, want, await started[0]?.log());
  assert.ok(want.routes.length > 20 && want.rules.length > 14, `keepalived has ${want.routes.length} routes`);
  await Promise.all(started.map((daemon) => daemon.stop()));
  assert.deepEqual(await hostState(a), before);
  // keepalived 2.2.7 deletes an address with a peer as if it had none, which the kernel refuses.
  const left = await hostState(b);
  const addresses = left.addresses.filter((each) => !each.includes('"192.0.2.200"'));
  assert.deepEqual({ ...left, addresses }, before);
});

const few = (more = ""): string => `${instance(`
  virtual_routes {
    198.51.100.0/24 via 192.0.2.9 dev eth0
    198.51.101.0/24 via 192.0.2.9 dev eth0 no_track
    ${more}
  }
  virtual_rules {
    from 10.0.0.0/8 table 77 preference 100
    from 10.1.0.0/16 table 77 preference 101 no_track
  }
  virtual_ipaddress_excluded {
    198.18.0.1/24 dev eth1 no_track
  }
`)}
static_ipaddress {
  198.18.1.1/24 dev eth1
}
static_routes {
  198.51.200.0/24 via 198.18.1.9 dev eth1
}
static_rules {
  from 10.200.0.0/16 table 77 preference 300
}
`;

/** The host once it is master and has all of `few`: the log may tell of a state before its last entry is there. */
async function settled(host: Host, daemon: Daemon): Promise<HostState> {
  await master(host, daemon);
  let state = await hostState(host);
  await until("all entries are there", SOON, async () => {
    state = await hostState(host);
    const text = JSON.stringify(
      Object.values(state)
        .flat()
        .map((entry) => JSON.parse(entry)),
    );
    return fewEntries.every((entry) => text.includes(entry));
  });
  return state;
}
const fewEntries = [
  ...["192.0.2.100", "198.18.0.1", "198.18.1.1"].map((local) => `"local":"${local}"`),
  ...["198.51.100.0/24", "198.51.101.0/24", "198.51.200.0/24"].map((dst) => `"dst":"${dst}"`),
  ...[100, 101, 300].map((priority) => `"priority":${priority},`),
];

/** What somebody deletes, and what the log says then. */
const deletions: readonly (readonly [what: string, argv: readonly string[], says: RegExp])[] = [
  ["a tracked route", ["route", "del", "198.51.100.0/24"], /Entering BACKUP STATE[^(]*$/m],
  ["a tracked rule", ["rule", "del", "preference", "100"], /Entering BACKUP STATE[^(]*$/m],
  ["a route that is not tracked", ["route", "del", "198.51.101.0/24"], /route 198\.51\.101\.0\/24 was deleted.*back/],
  ["a rule that is not tracked", ["rule", "del", "preference", "101"], /rule preference 101 inet was deleted.*back/],
  [
    "an address that is not tracked",
    ["addr", "del", "198.18.0.1/24", "dev", "eth1"],
    // Put back in silence when it was deleted by ourselves within the last second, as at a start.
    /./,
  ],
  ["a static route", ["route", "del", "198.51.200.0/24"], /route 198\.51\.200\.0\/24 was deleted.*back/],
  ["a static rule", ["rule", "del", "preference", "300"], /rule preference 300 inet was deleted.*back/],
  [
    "a static address",
    ["addr", "del", "198.18.1.1/24", "dev", "eth1"],
    /ip address 198\.18\.1\.1\/24 dev eth1 was deleted.*back/,
  ],
  [
    "a route that is replaced",
    ["route", "replace", "198.51.101.0/24", "via", "192.0.2.8", "dev", "eth0"],
    /route 198\.51\.101\.0\/24 was deleted.*back/,
  ],
];

for (const [what, argv, says] of deletions) {
  test(`somebody deletes ${what}: the host is as it was, soon`, options, async () => {
    await using lan = await Lan.create(apart.slice(0, 1));
    const host = lan.host("a");
    const before = await hostState(host);
    const daemon = await host.start(ours, few(), ["--vrrp"]);
    const full = await settled(host, daemon);
    await host.exec(["ip", ...argv]);
    await until("it is said", SOON, async () => says.test(await daemon.log()));
    // A route that replaced ours is not ours to delete: it stays behind ours.
    const there = async (): Promise<boolean> => {
      const now = await hostState(host);
      return full.routes.every((each) => now.routes.includes(each)) && same(now, full);
    };
    const same = (x: typeof full, y: typeof full): boolean =>
      JSON.stringify([x.addresses, x.rules]) === JSON.stringify([y.addresses, y.rules]);
    await until("everything is there", SOON, there);
    await daemon.stop();
    const left = await hostState(host);
    assert.deepEqual({ ...left, routes: left.routes.filter((each) => !each.includes("192.0.2.8")) }, before);
  });
}

test(
  "a reload applies the difference; a crash leaves everything, and the next daemon takes it over",
  options,
  async () => {
    await using lan = await Lan.create(apart.slice(0, 1));
    const host = lan.host("a");
    const before = await hostState(host);
    const daemon = await host.start(ours, few(), ["--vrrp"]);
    const first = await settled(host, daemon);
    const monitor = await host.spawn(["sh", "-c", `exec ip -t monitor route rule address > ${lan.dir}/monitor`]);
    await until("the monitor listens", SOON, () => monitor.pid !== undefined);
    const reload = async (config: string): Promise<void> => {
      const count = async (): Promise<number> => (await daemon.log()).split("Reload complete").length;
      const earlier = await count();
      await writeFile(daemon.files.config, config);
      daemon.signal("SIGHUP");
      await until("reloaded", SOON, async () => (await count()) > earlier);
    };
    await reload(few("198.51.150.0/24 via 192.0.2.9 dev eth0"));
    let second = await hostState(host);
    await until("the new route is there", SOON, async () => {
      second = await hostState(host);
      return second.routes.length > first.routes.length;
    });
    assert.deepEqual([second.addresses, second.rules], [first.addresses, first.rules]);
    assert.equal(second.routes.length, first.routes.length + 1);
    await reload(few());
    const isGone = async (): Promise<boolean> => (await hostState(host)).routes.length === first.routes.length;
    await until("the new route is gone", SOON, isGone);
    assert.deepEqual(await hostState(host), first);
    const touched = (await host.exec(["cat", `${lan.dir}/monitor`]))
      .split("\n")
      .filter((line) => /^(Deleted )?\d/.test(line));
    assert.deepEqual(
      touched.filter((line) => !line.includes("198.51.150.0/24") && !line.includes(" fe80::")),
      [],
      "what did not change was not touched",
    );

    await until("the spare waits", SOON, () => daemon.sparePid !== undefined);
    daemon.signalNode("SIGKILL");
    await until("the next one runs", SOON, async () => (await daemon.log()).split("Startup complete").length > 2);
    await until("all is there", SOON, async () => JSON.stringify(await hostState(host)) === JSON.stringify(first));
    await daemon.stop();
    assert.deepEqual(await hostState(host), before);
  },
);

test("an interface goes down and comes back: its static and untracked entries return", options, async () => {
  await using lan = await Lan.create(apart.slice(0, 1));
  const host = lan.host("a");
  const daemon = await host.start(ours, few(), ["--vrrp"]);
  const full = await settled(host, daemon);
  await host.exec(["ip", "link", "set", "eth1", "down"]);
  await until("routes have gone", SOON, async () => (await hostState(host)).routes.length < full.routes.length);
  await host.exec(["ip", "link", "set", "eth1", "up"]);
  await until("all is back", SOON, async () => JSON.stringify(await hostState(host)) === JSON.stringify(full));
});

test(
  "the interface is renamed, and gets its name back: nothing stays on it meanwhile, everything returns",
  options,
  async () => {
    await using lan = await Lan.create(apart.slice(0, 1));
    const host = lan.host("a");
    const daemon = await host.start(ours, few(), ["--vrrp"]);
    const full = await settled(host, daemon);
    await host.exec(["ip", "link", "set", "eth0", "name", "other"]);
    await until("it is in fault", SOON, async () => (await daemon.log()).includes("Entering FAULT STATE"));
    await until("the address has gone", SOON, async () => !(await host.hasAddress("192.0.2.100", "other")));
    await host.exec(["ip", "link", "set", "other", "name", "eth0"]);
    await until("all is back", SOON, async () => JSON.stringify(await hostState(host)) === JSON.stringify(full));
    await daemon.stop();
  },
);

test("static entries alone are a configuration; a reload without them removes them", options, async () => {
  await using lan = await Lan.create(apart.slice(0, 1));
  const host = lan.host("a");
  const before = await hostState(host);
  const daemon = await host.start(ours, "static_ipaddress {\n  198.18.1.1/24 dev eth1\n}\n", ["--vrrp"]);
  await until("it is there", SOON, () => host.hasAddress("198.18.1.1", "eth1"));
  await until("it serves", SOON, async () => (await daemon.log()).includes("Startup complete"));
  await writeFile(daemon.files.config, "global_defs {\n  router_id test\n}\n");
  daemon.signal("SIGHUP");
  await until("it has gone", SOON, async () => !(await host.hasAddress("198.18.1.1", "eth1")));
  await daemon.stop();
  assert.deepEqual(await hostState(host), before);
});

test(
  "a reload takes the first address of a subnet away: the others and what leads over them stay, and nobody leaves",
  options,
  async () => {
    await using lan = await Lan.create(apart.slice(0, 1));
    const host = lan.host("a");
    // The kernel takes the second address with the first one, and the route with both.
    const plain = ["all", "default", "eth1"].map((name) => `net.ipv4.conf.${name}.promote_secondaries=0`);
    await host.exec(["sysctl", "-qw", ...plain]);
    const config = (addresses: string): string =>
      instance(`virtual_ipaddress_excluded {
    ${addresses}
  }
  virtual_routes {
    198.51.100.0/24 via 198.18.7.9 dev eth1
  }`);
    const daemon = await host.start(ours, config("198.18.7.1/24 dev eth1\n198.18.7.2/24 dev eth1"), ["--vrrp"]);
    await master(host, daemon);
    await until("the route is there", SOON, async () =>
      (await hostState(host)).routes.join().includes("198.51.100.0/24"),
    );
    await new Promise((resolve) => setTimeout(resolve, 1100)); // what was deleted at the start is put back in silence for a second
    await writeFile(daemon.files.config, config("198.18.7.2/24 dev eth1"));
    daemon.signal("SIGHUP");
    await until("reloaded", SOON, async () => /Reload complete/.test(await daemon.log()));
    const stays = async (): Promise<boolean> => {
      const { addresses, routes } = await hostState(host);
      const on = addresses.join();
      return on.includes("198.18.7.2") && !on.includes("198.18.7.1") && routes.join().includes("198.51.100.0/24");
    };
    await until("the other address and the route are there", SOON, stays);
    assert.doesNotMatch((await daemon.log()).split("Reloading ...")[1] ?? "", /BACKUP|FAULT|was deleted/);
    await daemon.stop();
  },
);

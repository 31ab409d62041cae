import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** Reloads that must not make a master give way, however its links and addresses change places. */

const options = { skip: needs("root", "netns", "native"), timeout: 90_000 };
const ours = holdfast("memory");
const SOON = 20_000;

const instance = (name: string, vrid: number, lines: string): string => `
vrrp_instance ${name} {
  interface eth0
  virtual_router_id ${vrid}
  priority 200
  version 3
  advert_int 0.1
  ${lines}
}
`;

const vips = (...addresses: readonly string[]): string => `virtual_ipaddress {\n${addresses.join("\n")}\n}`;
const own = ["192.0.2.100/24", "192.0.2.110/24"] as const;
const moved = "192.0.2.120/24";

const running = async (host: Host, device: string): Promise<boolean> =>
  (await host.exec(["ip", "link", "show", "dev", device])).includes("LOWER_UP");

const rows: readonly {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  readonly masters: number;
  readonly says?: RegExp;
  readonly check: (host: Host) => Promise<boolean>;
}[] = [
  {
    name: "use_vmac gets a name",
    before: instance("A", 51, `use_vmac\n${vips(own[0])}`),
    after: instance("A", 51, `use_vmac vip51\n${vips(own[0])}`),
    masters: 1,
    says: /\(A\) interface vrrp\.51 is there already and keeps its name: a restart makes it vip51/,
    check: async (host) => (await host.hasAddress("192.0.2.100", "vrrp.51")) && (await running(host, "vrrp.51")),
  },
  {
    name: "an address moves to an instance further on",
    before: instance("A", 51, vips(own[0], moved)) + instance("B", 52, vips(own[1])),
    after: instance("A", 51, vips(own[0])) + instance("B", 52, vips(own[1], moved)),
    masters: 2,
    check: (host) => host.hasAddress("192.0.2.120"),
  },
  {
    name: "an address moves to an instance before it",
    before: instance("A", 51, vips(own[0])) + instance("B", 52, vips(own[1], moved)),
    after: instance("A", 51, vips(own[0], moved)) + instance("B", 52, vips(own[1])),
    masters: 2,
    check: (host) => host.hasAddress("192.0.2.120"),
  },
  {
    name: "an instance takes the address of one that goes",
    before: instance("A", 51, vips(own[0])) + instance("B", 52, vips(moved)),
    after: instance("A", 51, vips(own[0], moved)),
    masters: 2,
    check: (host) => host.hasAddress("192.0.2.120"),
  },
  {
    name: "a virtual address becomes a static one",
    before: instance("A", 51, vips(own[0], moved)),
    after: `static_ipaddress {\n${moved} dev eth0\n}\n${instance("A", 51, vips(own[0]))}`,
    masters: 1,
    check: (host) => host.hasAddress("192.0.2.120"),
  },
  {
    name: "a route moves to an instance before it",
    before:
      instance("A", 51, vips(own[0])) +
      instance("B", 52, `${vips(own[1])}\nvirtual_routes {\n198.51.100.0/24 via 192.0.2.254 dev eth0\n}`),
    after:
      instance("A", 51, `${vips(own[0])}\nvirtual_routes {\n198.51.100.0/24 via 192.0.2.254 dev eth0\n}`) +
      instance("B", 52, vips(own[1])),
    masters: 2,
    check: async (host) => (await host.exec(["ip", "route", "show", "198.51.100.0/24"])).includes("192.0.2.254"),
  },
];

for (const { name, before, after, masters, says = /./, check } of rows) {
  test(`${name}: no transition`, options, async () => {
    await using lan = await Lan.create(plainHosts("a"));
    const host = lan.host("a");
    const daemon = await host.start(ours, before, ["--vrrp"]);
    const count = async (what: string): Promise<number> => (await daemon.log()).split(what).length - 1;
    await until("all are master", SOON, async () => (await count("Entering MASTER STATE")) === masters);
    await until("started", SOON, async () => (await count("Startup complete")) === 1);
    await new Promise((resolve) => setTimeout(resolve, 1100)); // what was deleted at the start is put back in silence for a second
    await writeFile(daemon.files.config, after);
    daemon.signal("SIGHUP");
    await until("reloaded", SOON, async () => (await count("Reload complete")) === 1);
    await until("it is as configured", SOON, () => check(host));
    // A lost address is back after skew time, 22 ms; a link that others see gone after a second.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(await check(host), true);
    const log = await daemon.log();
    assert.equal(log.split("Entering MASTER STATE").length - 1, masters, log);
    assert.match(log, says);
    assert.doesNotMatch(log, /by somebody else|no longer exist/);
    await daemon.stop();
    const left = (await host.addresses()).filter((one) => !one.startsWith("fe80:"));
    assert.deepEqual(left, ["192.0.2.1/24"]);
  });
}

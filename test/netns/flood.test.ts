import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { ms, priority, vrid } from "../../main/units.js";
import { encodeAdvert } from "../../main/vrrp/packet.js";
import { type Daemon, holdfast } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { descendants } from "../harness/process-tree.js";
import { until } from "../harness/until.js";
import { linkLocalOf } from "./link-local.js";

/**
 * Somebody floods the segment with adverts that are not for us, or that are no good. The instance goes on as if nothing were: no
 * transition, no advert left out, and most packets never leave the kernel.
 */

/** A false transition would take three lost adverts; the flooder takes a processor, so short intervals would test the machine. */
const INTERVAL_MS = 500;
const FLOOD_MS = 3000;
const VIP = "192.0.2.100";
const config = ({ v6, auth }: Case, priority: number): string => `
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  version ${auth === undefined ? 3 : 2}
  priority ${priority}
  advert_int ${auth === undefined ? INTERVAL_MS / 1000 : 1}
  ${auth === undefined ? "" : `authentication {\n    auth_type ${auth}\n    auth_pass s3cret\n  }`}
  virtual_ipaddress {
    ${v6 ? "fe80::51:1/64" : `${VIP}/24`}
  }
}
`;

/** Sends one packet after the other for a while, as fast as it can, and prints how many. */
const flooder = `
import socket, sys, time
group, data, family, seconds = sys.argv[1], bytes.fromhex(sys.argv[2]), sys.argv[3], float(sys.argv[4])
if family == "4":
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, int(sys.argv[6]))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, int(sys.argv[5]))
    to = (group, 0)
else:
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 112)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, int(sys.argv[5]))
    s.setsockopt(socket.IPPROTO_IPV6, 7, 6)  # IPV6_CHECKSUM
    to = (group, 0, 0, socket.if_nametoindex("eth0"))
s.setsockopt(socket.SOL_SOCKET, 25, b"eth0\\0")
end = time.monotonic() + seconds
n = 0
while time.monotonic() < end:
    for _ in range(100):
        try:
            s.sendto(data, to)
            n += 1
        except OSError:
            pass
print(n)
`;

/** User and system time of a process and all below it, in ms. */
async function cpuMs(pid: number): Promise<number> {
  let ticks = 0;
  for (const one of [pid, ...descendants(pid)]) {
    const stat = await readFile(`/proc/${one}/stat`, "latin1").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks * 10;
}

interface Case {
  readonly name: string;
  readonly v6: boolean;
  /** The VRRP message. */
  readonly message: string;
  readonly ttl: number;
  /** What of the log says that it was noticed; undefined: the kernel keeps it away from the start. */
  readonly told: RegExp | undefined;
  readonly auth?: "PASS" | "AH";
  readonly protocol?: number;
}

/** Of version 2 and with the highest priority, from the flooder's own address; behind the IP header. */
function forged(authPass: string, ah: boolean): string {
  const spec = { version: 2, vrid: vrid(51), interval: ms(1000), addresses: [VIP], authPass, ah } as const;
  const packet = encodeAdvert({ ...spec, source: "192.0.2.2", destination: "224.0.0.18" }, priority(254), 1, 1e9);
  return Buffer.from(packet.subarray(20)).toString("hex");
}

const cases: readonly Case[] = [
  { name: "another virtual router", v6: false, message: "3163640100010000c0000201", ttl: 255, told: undefined },
  { name: "our VRID over a router", v6: false, message: "3133c80100010000c0000201", ttl: 64, told: /come to/ },
  { name: "a wrong checksum", v6: false, message: "3133fe01000a1234c0000264", ttl: 255, told: /come to/ },
  {
    ...{ name: "a wrong password", v6: false, message: forged("wrong", false), ttl: 255, told: /come to/ },
    auth: "PASS",
  },
  {
    ...{ name: "a wrong signature", v6: false, message: forged("wrong", true), ttl: 255, told: /only look right/ },
    ...{ auth: "AH", protocol: 51 },
  },
  {
    name: "another virtual router, IPv6",
    v6: true,
    message: `31636401000a0000${"fe80".padEnd(32, "0")}`,
    ttl: 255,
    told: undefined,
  },
];

const options = { skip: needs("root", "netns", "native", "tcpdump"), timeout: 180_000 };

async function flood(host: Host, { v6, message, ttl, protocol = 112 }: Case): Promise<number> {
  const group = v6 ? "ff02::12" : "224.0.0.18";
  const argv = ["python3", "-c", flooder, group, message, v6 ? "6" : "4", String(FLOOD_MS / 1000), String(ttl)];
  argv.push(String(protocol));
  return Number(await host.exec(["nice", "-n", "10", ...argv], { timeoutMs: 60_000 }));
}

async function lanState(a: Host, c: Host, v6: boolean): Promise<string> {
  const vip = v6 ? "fe80::51:1" : "192.0.2.100";
  const holders = [(await a.hasAddress(vip)) ? "a" : "", (await c.hasAddress(vip)) ? "c" : ""];
  return holders.join("");
}

/** Most that a packet may cost: handing one to JavaScript and judging it takes about 10 µs, a dropped one next to nothing. */
const COSTLY_US = 40;
/** A machine that gets fewer out is too busy for a flood; what both daemons do anyway would count as if it were its packets'. */
const MANY = 20_000;

for (const one of cases) {
  test(`flood: ${one.name}`, options, async (t) => {
    await using lan = await Lan.create(plainHosts("a", "b", "c"));
    const [a, b, c] = [lan.host("a"), lan.host("b"), lan.host("c")];
    await Promise.all([a, b, c].map(linkLocalOf));
    const ours = holdfast("memory");
    const backup = await a.start(ours, config(one, 100), ["--vrrp"]);
    const master = await c.start(ours, config(one, 200), ["--vrrp"]);
    const started = async () =>
      [await backup.log(), await master.log()].every((log) => log.includes("Startup complete"));
    await until("both have started", 60_000, started, 50);
    await until("c is master and a is backup", 20_000, async () => (await lanState(a, c, one.v6)) === "c", 50);
    // The log is written by another thread than the one that acts.
    const last = async (daemon: Daemon): Promise<string | undefined> =>
      [...(await daemon.log()).matchAll(/Entering (\w+) STATE/g)].at(-1)?.[1];
    const haveSaid = async (): Promise<boolean> =>
      (await last(master)) === "MASTER" && (await last(backup)) === "BACKUP";
    await until("both have said so", 10_000, haveSaid, 50);
    const [logA, logC] = [await backup.log(), await master.log()];
    const before = (await cpuMs(backup.pid)) + (await cpuMs(master.pid));
    const sent = await flood(b, one);
    const used = (await cpuMs(backup.pid)) + (await cpuMs(master.pid)) - before;
    t.diagnostic(`${sent} packets in ${FLOOD_MS} ms, both daemons used ${used} ms of processor time`);
    const said = async (): Promise<string> =>
      (await backup.log()).slice(logA.length) + (await master.log()).slice(logC.length);
    const { told } = one;
    if (told !== undefined && sent > MANY) await until(String(told), 10_000, async () => told.test(await said()), 50);
    const news = await said();
    assert.ok(!/Entering \w+ STATE/.test(news), news);
    assert.equal(await lanState(a, c, one.v6), "c");
    if (told === undefined) assert.ok(!news.includes("come to"), news);
    const each = (used * 1000) / Math.max(sent, MANY);
    assert.ok(each < 2 * COSTLY_US, `${each} µs for each packet`);
  });
}

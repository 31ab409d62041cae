// Inside the guest: a director, two web servers and a client on one segment; every way of forwarding at once, each with an address.
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { type Daemon, holdfast } from "../../harness/daemon.js";
import type { Host } from "../../harness/host.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { type HostSpec, Lan } from "../../harness/lan.js";
import { compiled } from "../../harness/project.js";
import { until } from "../../harness/until.js";
import { arrivalStep, lastingSteps, type Way, ways } from "../traffic-cases.js";
import { Results } from "./results.js";

/** A start in a guest with one slow processor. */
const PATIENCE_MS = 120_000;
/** TCP asks again after 0.2, 0.4, 0.8 s and so on. */
const ANSWER_MS = 10_000;
const DIRECTOR = 100;
/** The client's address whose answers go back through the director, as NAT needs it, and the one whose answers come by themselves. */
const [NATTED, DIRECT] = [51, 50];
const webs = [102, 103] as const;
/** Added to them: where GRE with checksums ends. */
const CHECKSUMMED = 100;
const onLan = (last: number, family: 4 | 6): string => (family === 4 ? `192.168.91.${last}` : `2001:db8:91::${last}`);
/** Of the service in two groups. */
const SHARED = 199;
const shared: Way = { name: "overlap", family: 4, method: "DR" };

const results = new Results();
const host = (name: string, ...last: readonly number[]): HostSpec => ({
  name,
  links: [{ device: "eth0", addresses: last.flatMap((one) => [`${onLan(one, 4)}/24`, `${onLan(one, 6)}/64`]) }],
});
await using lan = await Lan.create([
  host("director", DIRECTOR),
  host("web1", webs[0], webs[0] + CHECKSUMMED),
  host("web2", webs[1], webs[1] + CHECKSUMMED),
  host("client", DIRECT, NATTED),
]);
const [director, client] = [lan.host("director"), lan.host("client")];
const connectionLog = path.join(lan.dir, "connections.log");
const isNat = ({ method, server }: Way): boolean => method === "NAT" && server === undefined;
const addressOf = (way: Way): string => onLan(way === shared ? SHARED : 110 + ways.indexOf(way), way.family);

const DELETE_OURS =
  'ipvsadm -Sn | awk \'/^-A/ && !/10[.]99|db8:99/ {print $2, $3, $4 == "-6" ? $4 : ""}\' | while read service; do ipvsadm -D $service; done';

const serviceCount = ways.length + 3;

await loadIpvs(director);
await prepareDirector();
await prepareWeb("web1");
await prepareWeb("web2");
let daemon = await start(text({ edited: false, overlap: true }));
await until("it serves", PATIENCE_MS, async () => (await weighing(1)) === serviceCount, 100).catch(explained);

for (const way of ways)
  await results.step(arrivalStep(way), async () => {
    const answered = async (): Promise<boolean> => (await request(way)) === "web1";
    await until("the client is answered", ANSWER_MS, answered, 200).catch(explained);
    return undefined;
  });

await connectAll();
const connected = (): boolean => answers().every((heard) => heard.length > 0);
await until("all connections are answered", PATIENCE_MS, connected, 100).catch(explained);

await results.step(lastingSteps.reload, async () => {
  await reload(text({ edited: true, overlap: true }));
  await until("all is written", PATIENCE_MS, async () => (await weighing(5)) === serviceCount, 100).catch(explained);
  return lasts();
});

await results.step(lastingSteps.crash, async () => {
  await until("the spare waits", PATIENCE_MS, () => daemon.sparePid !== undefined, 100);
  const [before, story] = [await kernel(), (await daemon.log()).length];
  daemon.signalNode("SIGKILL");
  const tookOver = async (): Promise<boolean> => /Startup complete/.test((await daemon.log()).slice(story));
  await until("the next daemon is ready", PATIENCE_MS, tookOver, 100);
  goesOn(before, await kernel());
  return lasts();
});

await results.step(lastingSteps.restart, async () => {
  const before = await kernel();
  await daemon.stop();
  goesOn(before, await kernel());
  daemon = await start(text({ edited: true, overlap: true }));
  const isReady = async (): Promise<boolean> => /Startup complete/.test(await daemon.log());
  await until("the next daemon is ready", PATIENCE_MS, isReady, 100);
  goesOn(before, await kernel());
  return lasts();
});

await results.step(lastingSteps.heal, async () => {
  // With its last service of a family IPVS leaves the packet filter, and until it is back the director itself answers, by a reset.
  for (const others of ["10.99.0.1:80", "[2001:db8:99::1]:80"]) await director.exec(["ipvsadm", "-A", "-t", others]);
  const before = await savedTable(director);
  await director.exec(["sh", "-c", DELETE_OURS], { timeoutMs: PATIENCE_MS }); // thirty times ipvsadm
  const took = await until(
    "the table is whole",
    2000,
    async () => (await savedTable(director)).join() === before.join(),
    20,
  );
  return `after ${took.toFixed(0)} ms; ${await lasts()}`;
});

await results.step(lastingSteps.overlap, async () => {
  const before = await kernel();
  await reload(text({ edited: true, overlap: false }));
  const gone = async (): Promise<boolean> =>
    !(await savedTable(director)).some((line) => line.includes(`${onLan(SHARED - 2, 4)}:80`));
  await until("the entry of the second group is gone", PATIENCE_MS, gone, 20);
  assert.equal(await weighing(5), serviceCount - 1);
  goesOn(new Map([...before].filter(([service]) => !service.includes(onLan(SHARED - 2, 4)))), await kernel());
  return lasts();
});

function start(config: string): Promise<Daemon> {
  return director.start(holdfast("kernel"), config, ["--check", "--dont-release-ipvs"]);
}

interface Wish {
  /** Other weights and schedulers, and a second server. */
  readonly edited: boolean;
  /** The second group has a service of its own, and that of the first one. */
  readonly overlap: boolean;
}

function text({ edited, overlap }: Wish): string {
  const server = (head: string, { method, family, serverFamily = family, server: lines = "", ...way }: Way): string => {
    const weights = edited ? [5, 2] : [1];
    const ends = webs.map((web) => onLan(web + (way.checksummed === true ? CHECKSUMMED : 0), serverFamily));
    const port = way.mark === undefined ? 80 : "";
    const reals = weights.map(
      (weight, i) => `  real_server ${ends[i]} ${port} {\n    weight ${weight}\n    ${lines}\n  }\n`,
    );
    const protocol = way.mark === undefined ? "protocol TCP" : "";
    return `virtual_server ${head} {\n  lb_algo ${edited ? "wrr" : "rr"}\n  lb_kind ${method}\n  ${protocol}\n${reals.join("")}}\n`;
  };
  const group = (name: string, way: Way, entries: readonly string[]): string =>
    `virtual_server_group ${name} {\n${entries.map((entry) => `  ${entry}\n`).join("")}}\n${server(`group ${name}`, way)}`;
  const addresses = (...last: readonly number[]): readonly string[] => last.map((one) => `${onLan(one, 4)} 80`);
  /** In a group: there alone the family of a mark can be said, which real servers of tunnels do not tell. */
  const marked = (way: Way): string =>
    group(`mark${way.mark}`, way, [`fwmark ${way.mark} ${way.family === 4 ? "inet" : "inet6"}`]);
  return [
    group("one", shared, addresses(SHARED, SHARED - 1)),
    overlap ? group("two", shared, addresses(SHARED, SHARED - 2)) : "",
    ...ways.map((way) => (way.mark === undefined ? server(`${addressOf(way)} 80`, way) : marked(way))),
  ].join("");
}

/** On the director: addresses that IPVS answers at, and forwarding for what it translates. */
async function prepareDirector(): Promise<void> {
  await director.sysctl({
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.eth0.send_redirects": "0",
  });
  await hold(director, "eth0", [...ways, shared]);
  for (const way of ways) {
    if (way.mark === undefined) continue;
    const rule = ["PREROUTING", "-d", addressOf(way), "-j", "MARK", "--set-mark", String(way.mark)];
    await director.exec([way.family === 4 ? "iptables-legacy" : "ip6tables-legacy", "-t", "mangle", "-A", ...rule]);
  }
}

/** On a web server: the addresses that it does not tell, the ends of all tunnels, and the way back through the director. */
async function prepareWeb(name: "web1" | "web2"): Promise<void> {
  const web = lan.host(name);
  const ip = (...words: readonly string[]): Promise<string> => web.exec(["ip", ...words]);
  await web.exec(["modprobe", "-a", "fou", "fou6", "ipip", "sit", "ip_gre", "ip6_tunnel", "ip6_gre"]);
  await web.sysctl({
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
    "net.ipv6.conf.eth0.accept_redirects": "0",
  });
  const untold = [...ways, shared].filter((way) => !isNat(way));
  await hold(web, "lo", untold);
  for (const family of [4, 6] as const) await ip("route", "add", onLan(NATTED, family), "via", onLan(DIRECTOR, family));
  for (const family of ["-4", "-6"]) await ip(family, "fou", "add", "port", "6080", "gue");
  const last = webs[name === "web1" ? 0 : 1];
  for (const { device, type, at, more } of [
    { device: "six", type: "ip6tnl", at: onLan(last, 6), more: ["mode", "any"] }, // ip6tnl0 is for IPv6 in IPv6 alone
    { device: "gre4sum", type: "gre", at: onLan(last + CHECKSUMMED, 4), more: ["icsum"] },
    { device: "gre6sum", type: "ip6gre", at: onLan(last + CHECKSUMMED, 6), more: ["icsum"] },
  ])
    await ip("link", "add", device, "type", type, "local", at, "remote", "any", ...more);
  const devices = ["tunl0", "sit0", "six", "gre0", "ip6gre0", "gre4sum", "gre6sum"];
  for (const device of devices) await ip("link", "set", device, "up");
  for (const device of ["all", "eth0", ...devices]) await web.sysctl({ [`net.ipv4.conf.${device}.rp_filter`]: "0" });
  await web.spawn([process.execPath, compiled("examples/demo/web-server.ts"), name]);
}

/**
 * An IPv6 address not preferred, as a VRRP instance holds it: else IPVS would take it as the source of what it puts into IPv6
 * tunnels, and the real servers, whose address it is as well, drop what seems to come from themselves (ip6_tnl_rcv_ctl of
 * net/ipv6/ip6_tunnel.c; `allow-localremote` of ip-link(8) lets it in).
 */
async function hold(on: Host, device: string, held: readonly Way[]): Promise<void> {
  const lines = held.map((way) => {
    const address = `${addressOf(way)}/${way.family === 4 ? 32 : 128}`;
    return `addr add ${address} dev ${device} ${way.family === 6 ? "nodad preferred_lft 0" : ""}\n`;
  });
  const batch = path.join(lan.dir, `${on.name}.batch`);
  await writeFile(batch, lines.join(""));
  await on.exec(["ip", "-batch", batch]);
}

/** @returns the name of the web server that has answered */
async function request(way: Way): Promise<string | undefined> {
  const address = way.family === 6 ? `[${addressOf(way)}]` : addressOf(way);
  const argv = ["curl", "-gs", "--max-time", "2", "--interface", clientAddress(way), `http://${address}/`];
  const { code, stdout } = await client.attempt(argv);
  return code === 0 ? stdout.trim() : undefined;
}

function clientAddress(way: Way): string {
  return onLan(isNat(way) ? NATTED : DIRECT, way.family);
}

async function connectAll(): Promise<void> {
  const out = openSync(connectionLog, "w");
  const words = [...ways, shared].map((way, i) => `${i},${addressOf(way)},${clientAddress(way)}`);
  const argv = [process.execPath, compiled("test/kernel/inner/long-clients.ts"), ...words];
  await client.spawn(argv, { stdio: ["ignore", out, out] });
  closeSync(out);
}

/** Every connection is answered again, by the same server, and is still the one that it was. */
async function lasts(): Promise<string> {
  const all = [...ways, shared];
  const before = answers();
  const behind = (): readonly Way[] => all.filter((_, i) => (answers()[i]?.length ?? 0) <= (before[i]?.length ?? 0));
  const went = await until("all are answered again", ANSWER_MS, () => behind().length === 0, 100).catch(
    () => undefined,
  );
  const lost = connectionLines("lost ");
  if (went === undefined || lost.length > 0) {
    const names = behind().map(({ name }) => name);
    await explained(new Error(`not answered: ${names.join("; ")}; lost: ${lost.join("; ")}`));
  }
  for (const [i, heard] of answers().entries())
    assert.equal(new Set(heard).size, 1, `${all[i]?.name}: one port, one server`);
  return `${all.length} connections, answered after ${went?.toFixed(0)} ms`;
}

/** By number of the connection: local port and server of each answer. */
function answers(): readonly (readonly string[])[] {
  const heard: string[][] = [...ways, shared].map(() => []);
  for (const line of connectionLines("ok ")) {
    const [, number, ...rest] = line.split(" ");
    heard[Number(number)]?.push(rest.join(" "));
  }
  return heard;
}

function connectionLines(beginning: string): readonly string[] {
  return readFileSync(connectionLog, "latin1")
    .split("\n")
    .filter((line) => line.startsWith(beginning));
}

/** Number of destinations with that weight. */
async function weighing(weight: number): Promise<number> {
  return (await savedTable(director)).filter((line) => new RegExp(` -w ${weight}( |$)`).test(line)).length;
}

/** By service and by destination: connections since it was made. Whoever makes it anew begins at none. */
async function kernel(): Promise<ReadonlyMap<string, number>> {
  const text = await director.exec(["ipvsadm", "-Ln", "--stats", "--exact"]);
  const counts = new Map<string, number>();
  let service = "";
  for (const line of text.split("\n")) {
    const [word = "", name = "", count = ""] = line.replace(" IPv6", "").trim().split(/\s+/); // FWM  8 IPv6
    if (/^(TCP|FWM)$/.test(word)) service = name;
    if (name === service || (word === "->" && name !== "RemoteAddress:Port"))
      counts.set(`${service} ${word} ${name}`, Number(count));
  }
  return counts;
}

function goesOn(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): void {
  assert.deepEqual([...after.keys()].sort(byText), [...before.keys()].sort(byText));
  for (const [name, count] of before) assert.ok((after.get(name) ?? 0) >= count, `${name} was made anew`);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

async function reload(config: string): Promise<void> {
  const story = (await daemon.log()).length;
  await writeFile(daemon.files.config, config);
  daemon.signal("SIGHUP");
  const done = async (): Promise<boolean> => (await daemon.log()).slice(story).includes("Reload complete");
  await until("it has reloaded", PATIENCE_MS, done, 50).catch(explained);
}

/** The table and the log go with a failure. */
async function explained(error: unknown): Promise<never> {
  const table = (await savedTable(director)).join("\n");
  throw new Error(`${String(error)}\n${table}\n${(await daemon.log()).slice(-4000)}`, { cause: error });
}

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import test from "node:test";
import type { VirtualAddress } from "../../main/config/model.js";
import { plainAddress } from "../../main/config/model-vrrp.js";
import { ms } from "../../main/units.js";
import { run } from "../harness/command.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { compiled } from "../harness/project.js";
import { until } from "../harness/until.js";
import type { ProbeCommand, ProbeLine } from "./network-probe.js";

const options = { skip: needs("root", "netns", "native"), timeout: 60_000 };
/** The kernel answers within microseconds; the rest is Node's start and a machine that others use too. */
const SOON = 10_000;

const vip = (address: string, prefix: number, more: Partial<VirtualAddress> = {}): VirtualAddress => {
  return {
    address,
    prefix,
    dev: undefined,
    label: undefined,
    broadcast: undefined,
    scope: 0,
    more: plainAddress,
    ...more,
  };
};

/** The host network of a namespace, as a process in it sees it. */
class Probe implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly lines: ProbeLine[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).on("line", (line) => this.lines.push(JSON.parse(line) as ProbeLine));
  }

  static async start(host: Host): Promise<Probe> {
    const argv = [process.execPath, compiled("test/netns/network-probe.ts")];
    const probe = new Probe(await host.spawn(argv, { stdio: ["pipe", "pipe", "inherit"] }));
    await until("the probe is ready", SOON, () => probe.lines.some((line) => line.ready));
    return probe;
  }

  async ask(command: ProbeCommand): Promise<ProbeLine> {
    const answers = (): ProbeLine[] => this.lines.filter(({ errno }) => errno !== undefined);
    const before = answers().length;
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    await until(`answer to ${command.action}`, SOON, () => answers().length > before);
    return answers().at(-1) ?? {};
  }

  /** Waits for a change after line number `since` that has these properties. */
  async change(
    what: string,
    since: number,
    wanted: (change: NonNullable<ProbeLine["change"]>) => boolean,
  ): Promise<void> {
    await until(what, SOON, () => this.lines.slice(since).some(({ change }) => change !== undefined && wanted(change)));
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGCONT");
    const exit = once(this.#child, "exit");
    this.#child.stdin?.end();
    await exit;
  }
}

/** The fields of `ip -j addr` that are looked at. */
interface ShownAddress {
  readonly local: string;
  readonly prefixlen: number;
  readonly label?: string;
  readonly broadcast?: string;
  readonly scope: string;
  readonly nodad?: boolean;
  readonly deprecated?: boolean;
}

async function shown(host: Host, address: string): Promise<ShownAddress | undefined> {
  const text = await run(["ip", "-n", host.namespace, "-j", "addr", "show", "dev", "eth0"]);
  const links = JSON.parse(text) as readonly { readonly addr_info?: readonly ShownAddress[] }[];
  return links.flatMap((link) => link.addr_info ?? []).find(({ local }) => local === address);
}

test("addresses are added as configured and deleted again, as `ip` shows them", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  await using probe = await Probe.start(host);
  const eth0 = { interface: "eth0" } as const;

  const full = vip("192.0.2.100", 24, { label: "eth0:vip", broadcast: "192.0.2.255" });
  const added = await probe.ask({ action: "add", ...eth0, address: full });
  assert.equal(added.errno, 0);
  assert.ok(added.addresses?.includes("192.0.2.100/24"), "known when the verdict is in");
  const { label, broadcast, prefixlen, scope } = (await shown(host, "192.0.2.100")) ?? {};
  assert.deepEqual([label, broadcast, prefixlen, scope], ["eth0:vip", "192.0.2.255", 24, "global"]);
  assert.equal((await probe.ask({ action: "add", ...eth0, address: full })).errno, 0, "EEXIST is success");

  const six = vip("2001:db8::100", 128, { more: { ...plainAddress, preferredLifetime: ms(0) } });
  const sixth = await probe.ask({ action: "add", ...eth0, address: six });
  assert.deepEqual([sixth.errno, sixth.addresses?.includes("2001:db8::100/128")], [0, true]);
  const shownSix = await shown(host, "2001:db8::100");
  assert.deepEqual([shownSix?.nodad, shownSix?.deprecated], [true, true]);

  const bare = vip("192.0.2.101", 32, { scope: 253 });
  await probe.ask({ action: "add", ...eth0, address: bare });
  const shownBare = await shown(host, "192.0.2.101");
  assert.deepEqual([shownBare?.broadcast, shownBare?.label, shownBare?.scope], [undefined, "eth0", "link"]);

  for (const address of [full, six, bare]) {
    const gone = await probe.ask({ action: "delete", ...eth0, address });
    assert.deepEqual([gone.errno, gone.addresses?.some((each) => each.startsWith(`${address.address}/`))], [0, false]);
    assert.equal(await shown(host, address.address), undefined);
    assert.equal((await probe.ask({ action: "delete", ...eth0, address })).errno, 0, "EADDRNOTAVAIL is success");
  }
});

test("what others do to links and addresses is told", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  await using probe = await Probe.start(host);
  const now = (): number => probe.lines.length;
  await probe.ask({ action: "add", interface: "eth0", address: vip("192.0.2.100", 24) });

  const ofVip = (change: object): boolean => "address" in change && JSON.stringify(change.address).includes(".2.100");
  let since = now();
  await host.exec(["ip", "addr", "del", "192.0.2.100/24", "dev", "eth0"]);
  await probe.change("deletion", since, (change) => change.kind === "address-gone" && ofVip(change));

  since = now();
  await host.exec(["ip", "addr", "add", "192.0.2.100/24", "dev", "eth0"]);
  await probe.change("addition", since, (change) => change.kind === "address" && ofVip(change));

  const running = (wanted: boolean) => (change: object) =>
    "link" in change && JSON.stringify(change.link).includes(`"running":${wanted}`);
  for (const [state, wanted] of [
    ["down", false],
    ["up", true],
  ] as const) {
    since = now();
    await host.exec(["ip", "link", "set", "eth0", state]);
    await probe.change(`link ${state}`, since, running(wanted));
  }

  since = now();
  await host.exec(["ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1"]);
  await probe.change("new link", since, (change) => JSON.stringify(change).includes("veth1"));
  since = now();
  await host.exec(["ip", "link", "del", "veth0"]);
  await probe.change("link gone", since, ({ kind, ["name"]: name }) => kind === "link-gone" && name === "veth1");
});

test("notifications that do not fit the buffer: everything is read again", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  await using probe = await Probe.start(host);
  const all = Array.from({ length: 2000 }, (_, i) => `10.1.${i >> 8}.${i & 255}/32`);
  const batch = (verb: string): string => all.map((each) => `addr ${verb} ${each} dev lo`).join("\n");
  // While it is stopped its receive buffer of 4 MiB overflows: 20,000 notifications of at least 512 octets each.
  probe.signal("SIGSTOP");
  for (let i = 0; i < 5; i += 1)
    for (const verb of ["add", "del"]) await host.exec(["ip", "-batch", "-"], { input: batch(verb) });
  await host.exec(["ip", "-batch", "-"], { input: `${batch("add")}\naddr del 10.1.0.7/32 dev lo` });
  probe.signal("SIGCONT");
  const wanted = new Set(all.filter((each) => each !== "10.1.0.7/32"));
  let last: readonly string[] = [];
  await until("all known", SOON, async () => {
    last = (await probe.ask({ action: "list", interface: "lo", address: vip("10.1.0.1", 32) })).addresses ?? [];
    return last.filter((each) => each.startsWith("10.1.")).length === wanted.size;
  });
  assert.deepEqual(new Set(last.filter((each) => each.startsWith("10.1."))), wanted);
  assert.ok(
    probe.lines.some(({ log }) => log?.includes("notifications were lost")),
    "some were lost, or nothing was shown",
  );
});

/** Interface of the namespace ("none": index 0), address, errno, sentence. */
const refusals: readonly (readonly [what: string, device: string, VirtualAddress, RegExp])[] = [
  ["an interface that is not there", "none", vip("192.0.2.100", 24), /cannot add address 192\.0\.2\.100\/24 .*ENODEV/],
  ["a prefix length that does not fit", "eth0", vip("192.0.2.100", 33), /192\.0\.2\.100\/33 to eth0: EINVAL/],
  [
    "a label that is too long",
    "eth0",
    vip("192.0.2.100", 24, { label: "eth0:0123456789ab" }),
    /label "eth0:0123456789ab"/,
  ],
  ["a multicast address", "eth0", vip("ff02::5", 64), /cannot add address ff02::5\/64 to eth0: EADDRNOTAVAIL/],
];

test("what the kernel refuses is explained", options, async (t) => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  await using probe = await Probe.start(host);
  for (const [what, device, address, sentence] of refusals) {
    await t.test(what, async () => {
      const since = probe.lines.length;
      const { errno } = await probe.ask({ action: "add", interface: device, address });
      assert.notEqual(errno, 0);
      assert.match(probe.lines.slice(since).find((line) => line.log !== undefined)?.log ?? "", sentence);
    });
  }
  await host.sysctl({ "net.ipv6.conf.eth0.disable_ipv6": "1" });
  const since = probe.lines.length;
  await probe.ask({ action: "add", interface: "eth0", address: vip("2001:db8::1", 64) });
  assert.match(probe.lines.slice(since).find((line) => line.log !== undefined)?.log ?? "", /disable_ipv6=0/);
});

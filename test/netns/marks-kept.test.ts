import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type Daemon, holdfast } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/**
 * nftables_ipvs of a running daemon, on a kernel that has nftables: User Mode Linux has none for IP (CONFIG_NF_TABLES_IPV4 and _IPV6 are
 * not set in Debian's), and this one may have no IPVS. What marks packets is seen by rules of another tool in the same hook, after ours.
 */
const skip = needs("root", "netns", "native", "iptables");
const SOON = 10_000;
const TABLE = "keepalived_ipvs";
const [MARK4, MARK6] = [1000, 1001];

const group = (name: string, entries: string, server: string): string => `virtual_server_group ${name} {
  ${entries}
}
virtual_server group ${name} {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server ${server} {
  }
}
`;
const text = (last: number): string =>
  [
    "global_defs {\n  nftables_ipvs\n  nftables_counters\n}\n",
    group("four", `192.0.2.201-${last} 8080`, "192.0.2.2"),
    group("six", "2001:db8::201-202 8080", "2001:db8::2"),
  ].join("");

/** Nobody listens: a SYN and a reset for each. */
const connect = `
import socket, sys
for end in sys.argv[1:]:
    host, port = end.rsplit("|", 1)
    try: socket.create_connection((host, int(port)), 1).close()
    except OSError: pass
`;

/** A transaction, as nft(8) makes it of one command: message, family, and the attributes that name what goes. */
const transaction = (message: number, family: number, ...names: readonly string[]): string => `
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
def part(kind, flags, family, res, body=b""):
    return struct.pack("=IHHIIBBH", 20 + len(body), kind, flags, 1, 0, family, 0, socket.htons(res)) + body
def name(i, text):
    value = text.encode() + b"\\0"
    return struct.pack("=HH", 4 + len(value), i) + value + b"\\0" * (-len(value) % 4)
body = b"".join(name(i + 1, one) for i, one in enumerate(${JSON.stringify(names)}))
s.send(part(16, 1, 0, 10) + part((10 << 8) | ${message}, 5, ${family}, 0, body) + part(17, 1, 0, 10))
answer = s.recv(65536)
assert struct.unpack("=i", answer[16:20])[0] == 0, answer
`;
const [DELTABLE, DELRULE, DELSETELEM] = [2, 8, 14];
const [ANY, IPV4, IPV6] = [0, 2, 10];
/** The first three of a minute are put back. */
const deletions = {
  "nft flush ruleset": transaction(DELTABLE, ANY),
  [`nft flush table ip ${TABLE}`]: transaction(DELRULE, IPV4, TABLE),
  [`nft flush map ip6 ${TABLE} tcp_map`]: transaction(DELSETELEM, IPV6, TABLE, "tcp_map"),
};

class Stand implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly a: Host;
  readonly #lan: Lan;

  private constructor(lan: Lan, daemon: Daemon) {
    this.#lan = lan;
    this.daemon = daemon;
    this.a = lan.host("a");
  }

  static async create(): Promise<Stand> {
    const lan = await Lan.create(plainHosts("a", "b"));
    try {
      const [a, b] = [lan.host("a"), lan.host("b")];
      await b.exec(["ip", "addr", "add", "2001:db8::2/64", "dev", "eth0", "nodad"]);
      for (const last of [201, 202, 203, 204]) {
        await a.exec(["ip", "addr", "add", `192.0.2.${last}/24`, "dev", "eth0"]);
        await a.exec(["ip", "addr", "add", `2001:db8::${last}/64`, "dev", "eth0", "nodad"]);
      }
      for (const [tool, mark] of [
        ["iptables-legacy", MARK4],
        ["ip6tables-legacy", MARK6],
      ] as const)
        await a.exec([tool, "-A", "INPUT", "-m", "mark", "--mark", String(mark), "-j", "ACCEPT"]);
      const daemon = await a.start(holdfast("memory"), text(203), ["--check"]);
      await until("it has started", SOON, async () => (await daemon.log()).includes("Startup complete"));
      return new Stand(lan, daemon);
    } catch (error) {
      await lan[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Of these ends, those whose packets got the mark of their family's group. */
  async marked(...ends: readonly string[]): Promise<readonly string[]> {
    const found: string[] = [];
    for (const end of ends) {
      const before = await this.#packets(end);
      await this.#lan.host("b").exec(["python3", "-c", connect, end]);
      if ((await this.#packets(end)) > before) found.push(end);
    }
    return found;
  }

  async repairs(): Promise<readonly string[]> {
    const whole = (await this.daemon.log()).split("\n").slice(0, -1);
    return whole.filter((line) => line.includes("deleted"));
  }

  async #packets(end: string): Promise<number> {
    const tool = end.includes(":") ? "ip6tables-legacy" : "iptables-legacy";
    const listing = await this.a.exec([tool, "-nvxL", "INPUT"]);
    return Number(/^\s*(\d+) .*mark match/m.exec(listing)?.[1]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lan[Symbol.asyncDispose]();
  }
}

const inGroups = [
  "192.0.2.201|8080",
  "192.0.2.202|8080",
  "192.0.2.203|8080",
  "2001:db8::201|8080",
  "2001:db8::202|8080",
];
const besideThem = ["192.0.2.204|8080", "2001:db8::203|8080", "192.0.2.201|8081", "2001:db8::201|80"];

test("packets to every address of a group have its mark, in both families, also after a reload; others have none", {
  skip,
  timeout: 60_000,
}, async () => {
  await using stand = await Stand.create();
  assert.deepEqual(await stand.marked(...inGroups, ...besideThem), inGroups);
  await writeFile(stand.daemon.files.config, text(204));
  stand.daemon.signal("SIGHUP");
  await until("it has reloaded", SOON, async () => (await stand.daemon.log()).includes("Reload complete"));
  assert.deepEqual(await stand.marked(...inGroups, ...besideThem), [...inGroups, "192.0.2.204|8080"]);
  await stand.daemon.stop();
  assert.deepEqual(await stand.marked(...inGroups), []);
  assert.deepEqual(await stand.repairs(), []);
});

test("what somebody deletes of the table of marks is put back, three times a minute", {
  skip,
  timeout: 90_000,
}, async (t) => {
  await using stand = await Stand.create();
  const all = async (): Promise<boolean> => (await stand.marked(...inGroups)).length === inGroups.length;
  assert.ok(await all());
  await stand.a.exec(["iptables-nft", "-A", "OUTPUT", "-m", "mark", "--mark", "7", "-j", "ACCEPT"]); // a change of others
  let told = 0;
  for (const [command, program] of Object.entries(deletions)) {
    await stand.a.exec(["python3", "-c", program]);
    const took = await until(`${command} is repaired`, SOON, all, 20).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await stand.daemon.log()}`, { cause: error });
    });
    told += 1;
    await until("it is told", SOON, async () => (await stand.repairs()).length >= told, 20); // who writes it is another thread
    const lines = await stand.repairs();
    assert.equal(lines.length, told, lines.join("\n"));
    assert.match(
      lines.at(-1) ?? "",
      new RegExp(`what is in table ${TABLE} of nftables_ipvs was deleted by somebody else: putting it back`),
    );
    t.diagnostic(`${command}: ${took.toFixed(0)} ms`);
  }
  await stand.a.exec(["python3", "-c", transaction(DELTABLE, IPV6, TABLE)]);
  await until("the contest is told", SOON, async () => (await stand.repairs()).length === told + 1, 50);
  assert.match((await stand.repairs()).at(-1) ?? "", /4 times within a minute: somebody else manages it too/);
  assert.deepEqual(await stand.marked(...inGroups), inGroups.slice(0, 3), "of the others nothing is lost");
});

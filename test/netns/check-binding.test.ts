import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { holdfast, type Program } from "../harness/daemon.js";
import { Lan } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { lacksReferenceChecker, referenceChecker } from "../harness/reference-checker.js";
import { until } from "../harness/until.js";
import { started } from "./check-dump.js";
import { probedKinds } from "./check-kinds.js";

/**
 * bindto, bind_port, bind_if and fwmark of every kind of check, as the other side sees them: by which link packets come, from which
 * address. keepalived's checks are seen beside ours.
 */

/** What is written, and what is seen; `PORT` is one that no other check has. */
const bindings: readonly (readonly [seen: string, ...lines: string[]])[] = [
  ["eth0 192.0.2.1"],
  ["eth0 192.0.2.11", "bindto 192.0.2.11"],
  ["eth0 192.0.2.11 PORT", "bindto 192.0.2.11", "bind_port PORT"],
  ["eth1 198.51.100.1", "bind_if eth1"],
  ["eth1 198.51.100.1", "fwmark 7"],
  ["eth1 192.0.2.11", "bindto 192.0.2.11", "fwmark 7"],
];

interface Row {
  readonly target: string;
  readonly check: string;
  readonly seen: string;
  /** By keepalived 2.2.7, where it takes no notice of what is written (docs/differences.md). */
  readonly theirs: string;
}

const takesNoNotice = (kind: string, written: string): boolean =>
  kind === "PING_CHECK" || (kind === "UDP_CHECK" && written.includes("bind_if"));

const rows: readonly Row[] = probedKinds.flatMap(([kind, ...own], i) =>
  bindings.flatMap(([seen, ...lines], j): readonly Row[] => {
    const n = i * bindings.length + j + 1;
    const written = lines.join("\n").replace("PORT", String(4000 + n));
    if (kind === "PING_CHECK" && written.includes("bind_port")) return []; // it has none
    const target = `203.0.113.${n}`;
    const check = [`${kind} {`, `connect_ip ${target}`, "connect_port 80", written, ...own, "}"].join("\n");
    const right = seen.replace("PORT", String(4000 + n));
    return [{ target, check, seen: right, theirs: takesNoNotice(kind, written) ? "eth0 192.0.2.1" : right }];
  }),
);

const config = rows
  .map(
    ({ check }, i) => `virtual_server 198.18.0.1 ${1000 + i} {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  delay_loop 1
  delay_before_retry 1
  connect_timeout 0.5
  warmup 0
  real_server 10.9.0.${i + 1} 80 {
    ${check}
  }
}
`,
  )
  .join("");

/** Of each target where its first packet came from: link, address, and the port that was asked for. */
async function seenBy(program: Program): Promise<readonly string[]> {
  await using lan = await Lan.create([
    {
      name: "a",
      links: [
        { addresses: ["192.0.2.1/24", "192.0.2.11/24"] },
        { device: "eth1", segment: "other", addresses: ["198.51.100.1/24"] },
      ],
    },
    {
      name: "b",
      links: [{ addresses: ["192.0.2.2/24"] }, { device: "eth1", segment: "other", addresses: ["198.51.100.2/24"] }],
    },
  ]);
  const [a, b] = [lan.host("a"), lan.host("b")];
  await b.exec(["ip", "route", "add", "local", "203.0.113.0/24", "dev", "lo"]); // all of them
  for (const host of [a, b])
    await host.sysctl({ "net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.eth1.rp_filter": "0" });
  for (const route of [
    "route add 203.0.113.0/24 via 192.0.2.2 metric 100",
    "route add 203.0.113.0/24 via 198.51.100.2 dev eth1 metric 200",
    "route add 203.0.113.0/24 via 198.51.100.2 dev eth1 table 7",
    "rule add fwmark 7 lookup 7",
  ])
    await a.exec(["ip", ...route.split(" ")]);
  const file = path.join(lan.dir, "packets");
  const filter = ["tcpdump", "-i", "any", "-nlqt", "--immediate-mode", "dst net 203.0.113.0/24"];
  await b.spawn(filter, { stdio: ["ignore", openSync(file, "w"), "ignore"] });
  const daemon = await started(() => a.start(program, config, ["--check"]));
  const first = new Map<string, string>();
  await until(`${program.name} has tried all`, 30_000, async () => {
    // `eth0  In  IP 192.0.2.1.4001 > 203.0.113.1.80: ...`, of ICMP without ports.
    // What has no end yet may be half of an address.
    for (const line of (await readFile(file, "utf8")).split("\n").slice(0, -1)) {
      const [, link, from, port, to] =
        /^(\w+) +In +IP (\d+\.\d+\.\d+\.\d+)\.?(\d*) > (\d+\.\d+\.\d+\.\d+)/.exec(line) ?? [];
      if (to === undefined || first.has(to)) continue;
      const wanted = rows.find(({ target }) => target === to)?.seen.split(" ")[2];
      first.set(to, wanted === undefined ? `${link} ${from}` : `${link} ${from} ${port}`);
    }
    return rows.every(({ target }) => first.has(target));
  }).catch(() => undefined);
  await daemon.stop();
  return rows.map(({ target }) => first.get(target) ?? "nothing");
}

const skip = needs("root", "netns", "native", "keepalived", "tcpdump") || lacksReferenceChecker();

for (const program of [holdfast("memory"), referenceChecker])
  test(`where checks come from: ${program.name}`, { skip, timeout: 120_000 }, async () => {
    const seen = await seenBy(program);
    const wrong = rows.flatMap(({ check, seen: right, theirs }, i) => {
      const wanted = program.name === "keepalived" ? theirs : right;
      return seen[i] === wanted ? [] : [`${check.replace(/\s+/g, " ")}: ${seen[i]} instead of ${wanted}`];
    });
    assert.deepEqual(wrong, []);
  });

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { needs } from "../harness/needs.js";
import { projectRoot } from "./addon-under-test.js";
import { compile, sanitizerFlags, sources } from "./build.js";

const near = `holdfast-ping-${process.pid}-a`;
const far = `holdfast-ping-${process.pid}-b`;

/** See ping_test.cc for who answers what. The far side may say often that it knows no way. */
const network = [
  `-n ${near} link set lo up`,
  `-n ${near} link add wire type veth peer name wire netns ${far}`,
  ...[near, far].flatMap((name, i) => [
    `-n ${name} addr add 10.77.0.${i + 1}/24 dev wire`,
    `-n ${name} addr add fd77::${i + 1}/64 dev wire nodad`,
    `-n ${name} link set wire up`,
  ]),
  `-n ${near} route add 10.78.0.0/15 via 10.77.0.2`,
  `-n ${near} route add fd78::/16 via fd77::2`,
  `-n ${far} route add unreachable 10.78.0.1`,
  `-n ${far} route add unreachable fd78::1`,
  `-n ${far} route add blackhole 10.79.0.1`,
  `netns exec ${near} sysctl -qw net.ipv4.neigh.wire.retrans_time_ms=100 net.ipv6.neigh.wire.retrans_time_ms=100`,
  `netns exec ${far} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`,
  `netns exec ${far} sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0`,
];

test("pings, as plain C++ with sanitizers", { skip: needs("root", "netns"), timeout: 500_000 }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-ping-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const program = join(dir, "ping_test");
  const units = ["ping", "ping_packet", "ping_socket"].map((unit) => join(sources, "probe", `${unit}.cc`));
  await compile([...sanitizerFlags, join(projectRoot, "test/native/ping_test.cc"), ...units, "-o", program]);
  for (const name of [near, far]) {
    execFileSync("ip", ["netns", "add", name]);
    t.after(() => execFileSync("ip", ["netns", "del", name]));
  }
  for (const line of network) execFileSync("ip", line.split(" "));
  const { status, stdout, stderr } = spawnSync("ip", ["netns", "exec", near, program], { encoding: "utf8" });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "ok\n", stderr: "" });
});

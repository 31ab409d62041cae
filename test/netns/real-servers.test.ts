import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { askStatus } from "../../main/control/status-client.js";
import { type Daemon, holdfast } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { Lan } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { type RealServers, realServers } from "../harness/real-servers.js";
import { lacksReferenceChecker, referenceChecker } from "../harness/reference-checker.js";
import { until } from "../harness/until.js";

/**
 * Each kind of check against the server it was made for, from Debian, by the whole daemon; Debian's keepalived beside it checks the same
 * and has to agree: at the start, when the servers are stopped, and when they are back.
 */

interface Row {
  readonly check: string;
  /** What a server that works is to this check. */
  readonly up: boolean;
  /** And what it is where keepalived 2.2.7 checks it, if that is something else (docs/differences.md). */
  readonly theirs?: boolean;
}

const v4 = "192.0.2.1";
const v6 = "2001:db8::1";
const local = "fe80::1";
const md5 = createHash("md5").update("hello").digest("hex");

const row = (kind: string, up: boolean, address: string, port: number, ...lines: readonly string[]): Row => ({
  check: [`${kind} {`, `connect_ip ${address}`, `connect_port ${port}`, "retry 0", ...lines, "}"].join("\n"),
  up,
});
const unlike = (theirs: boolean, ours: Row): Row => ({ ...ours, theirs });
const page = (...lines: readonly string[]): string => `url {\n${lines.join("\n")}\n}`;
/** One more place for SMTP_CHECK. keepalived 2.2.7 has no time limit there but its own. */
const host = (address: string, port: number): string =>
  `host {\nconnect_ip ${address}\nconnect_port ${port}\nconnect_timeout 5\n}`;

/** A query for the addresses of www.example, and the octets that every good answer to it begins with: id, flags. */
const query = "12 34 01 00 00 01 00 00 00 00 00 00 03 77 77 77 07 65 78 61 6d 70 6c 65 00 00 01 00 01";

const rows: readonly Row[] = [
  row("TCP_CHECK", true, v4, 80),
  row("TCP_CHECK", true, v6, 443),
  row("TCP_CHECK", false, v4, 81),
  row("HTTP_GET", true, v4, 80, page("path /good", "status_code 200")),
  row("HTTP_GET", true, v6, 80, page("path /good", `digest ${md5}`)),
  row("HTTP_GET", true, v4, 80, page("path /moved", "status_code 302"), page("path /good", "status_code 200")),
  row("HTTP_GET", false, v4, 80, page("path /bad", "status_code 200")),
  row("HTTP_GET", false, v4, 80, page("path /good", `digest ${createHash("md5").update("other").digest("hex")}`)),
  row("HTTP_GET", false, v4, 443, page("path /good", "status_code 200")),
  row("SSL_GET", true, v4, 443, page("path /good", "status_code 200")),
  row("SSL_GET", true, v6, 443, page("path /good", `digest ${md5}`)),
  row("HTTP_GET", true, v4, 80, "http_protocol 1.1", page("path /good", "status_code 200", `digest ${md5}`)),
  row("HTTP_GET", true, v4, 80, "http_protocol 1.0C", page("path /good", "status_code 200-299")),
  row("HTTP_GET", true, v4, 80, page("path /good", "regex hel+o")),
  unlike(false, row("HTTP_GET", true, v4, 80, page("path /good", "regex ^hel+o$"))),
  row("HTTP_GET", false, v4, 80, page("path /good", "regex hel+o", "regex_no_match")),
  row("HTTP_GET", false, v4, 80, page("path /good"), page("path /bad"), page("path /moved", "status_code 302")),
  row("SSL_GET", false, v4, 8443, page("path /good", "virtualhost named.example")),
  row("SSL_GET", true, v4, 8443, "enable_sni", page("path /good", "virtualhost named.example")),
  row("SSL_GET", true, v4, 8443, "enable_sni", "virtualhost named.example", page("path /good", "regex named.example")),
  unlike(
    true,
    row(
      "SSL_GET",
      false,
      v4,
      8443,
      "enable_sni",
      "sni_name other.example",
      page("path /good", "virtualhost named.example"),
    ),
  ), // it has no sni_name
  row("SSL_GET", true, v4, 443, "enable_sni", "sni_name other.example", page("path /good", "tls_compliant")),
  row("SSL_GET", false, v4, 443, page("path /bad", "status_code 200")),
  row("SSL_GET", false, v4, 80, page("path /good", "status_code 200")),
  row("SMTP_CHECK", true, v4, 25),
  row("SMTP_CHECK", true, v6, 25, "helo_name probe.example"),
  row("SMTP_CHECK", false, v4, 25, "helo_name bad.example"),
  row("SMTP_CHECK", false, v4, 80, "connect_timeout 1"),
  row("SMTP_CHECK", true, v4, 25, host(v6, 25)),
  row("SMTP_CHECK", false, v4, 25, host(v6, 26)),
  row("SMTP_CHECK", false, v4, 26, host(v6, 25), host(v4, 25)),
  ...["A", "AAAA", "TXT"].map((type) => row("DNS_CHECK", true, v4, 53, `type ${type}`, "name www.example")),
  ...["NS", "MX", "SOA", "RRSIG", "DNSKEY"].map((type) =>
    row("DNS_CHECK", true, v6, 53, `type ${type}`, "name example."),
  ),
  row("DNS_CHECK", true, v4, 53),
  row("DNS_CHECK", true, v4, 53, "type CNAME", "name www.example"),
  row("DNS_CHECK", false, v4, 53, "type A", "name nobody.example"),
  row("UDP_CHECK", true, v4, 53, `payload ${query}`, "require_reply 12 34 8x x0"),
  row("UDP_CHECK", true, v6, 53, `payload ${query}`, "require_reply"),
  row("UDP_CHECK", false, v4, 53, `payload ${query}`, "require_reply 12 35"),
  row("UDP_CHECK", false, v4, 53, `payload ${query}`, "require_reply 12 34", "max_reply_length 30"),
  row(
    "UDP_CHECK",
    true,
    v4,
    53,
    `payload ${query}`,
    "require_reply 12 34",
    "min_reply_length 30",
    "max_reply_length 99",
  ),
  row("UDP_CHECK", false, v4, 53, `payload ${query}`, "require_reply 12 34", "min_reply_length 99"),
  row("UDP_CHECK", true, v6, 53),
  row("UDP_CHECK", false, v4, 54),
  // A router says that it is forbidden (RFC 4443 §3.1), which the kernel has an error of its own for.
  row("UDP_CHECK", false, "2001:db8:9::1", 53),
  row("DNS_CHECK", false, "2001:db8:9::1", 53),
  row("PING_CHECK", false, "2001:db8:9::1", 1),
  row("TCP_CHECK", false, "2001:db8:9::1", 80),
  row("TCP_CHECK", true, local, 80, "bind_if eth0"),
  row("HTTP_GET", true, local, 80, "bind_if eth0", page("path /good", "status_code 200")),
  row("SMTP_CHECK", true, local, 25, "bind_if eth0"),
  row("DNS_CHECK", true, local, 53, "bind_if eth0", "type A", "name www.example"),
  unlike(false, row("PING_CHECK", true, local, 1, "bind_if eth0")), // it takes no notice of bind_if
  row("PING_CHECK", true, v4, 1),
  row("PING_CHECK", true, v6, 1),
  row("PING_CHECK", false, "192.0.2.77", 1, "connect_timeout 1"),
  row("PING_CHECK", false, "2001:db8::77", 1, "connect_timeout 1"),
];

const service = ({ check }: Row, i: number): string => `
virtual_server 198.51.100.1 ${1000 + i} {
  delay_loop 1
  delay_before_retry 1
  warmup 0
  connect_timeout 5
  lb_kind NAT
  protocol TCP
  real_server 10.9.0.${i + 1} 1 {
    ${check}
  }
}
`;
const config = rows.map(service).join("");
const nameOf = (i: number): string => `[10.9.0.${i + 1}]:tcp:1`;

/** Of each row how often the server was taken out and put back, by the log. */
async function changes(daemon: Daemon): Promise<readonly string[]> {
  const log = await daemon.log();
  const count = (what: string): number => log.split(what).length - 1;
  return rows.map(
    (_, i) => `${count(`Removing service ${nameOf(i)} `)} out, ${count(`Adding service ${nameOf(i)} `)} back`,
  );
}

async function agree(what: string, daemons: readonly Daemon[], good: string, bad: string): Promise<void> {
  for (const daemon of daemons) {
    const isTheirs = daemon.program.name === "keepalived";
    const wanted = rows.map(({ up, theirs = up }) => ((isTheirs ? theirs : up) ? good : bad));
    let seen: readonly string[] = [];
    const arrived = until(what, 30_000, async () => {
      seen = await changes(daemon);
      return seen.every((now, i) => now === wanted[i]);
    });
    await arrived.catch(() => undefined);
    const differing = rows.flatMap(({ check }, i) =>
      seen[i] === wanted[i] ? [] : [`${check.replace(/\s+/g, " ")}: ${seen[i]} instead of ${wanted[i]}`],
    );
    assert.deepEqual(differing, [], `${daemon.program.name}, ${what}`);
  }
}

/** What two rows ask for lies behind this host, which lets nobody through. */
async function forbid(router: Host, others: readonly Host[]): Promise<void> {
  const net = "2001:db8:9::/64";
  await router.sysctl({ "net.ipv6.conf.all.forwarding": "1" });
  await router.exec(["ip", "route", "add", "prohibit", net]);
  for (const other of others) await other.exec(["ip", "route", "add", net, "via", v6]);
}

/** A link-local address that is still looked for on the link (RFC 4862 section 5.4) is no source: what is sent by it fails. */
const settled = (host: Host): Promise<unknown> =>
  until(`${host.name} has its addresses`, 10_000, async () => {
    const tentative = await host.exec(["ip", "-6", "-o", "addr", "show", "tentative"]);
    return (
      tentative === "" && (await host.exec(["ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link"])) !== ""
    );
  });

const answerPings = (host: Host, on: boolean): Promise<void> =>
  host.sysctl({ "net.ipv4.icmp_echo_ignore_all": on ? "0" : "1", "net.ipv6.icmp.echo_ignore_all": on ? "0" : "1" });

const skip = needs("root", "netns", "native", "keepalived", "nginx", "exim4", "unbound") || lacksReferenceChecker();

test("every kind of check against servers of Debian, beside keepalived", { skip, timeout: 180_000 }, async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "holdfast-real-"));
  await using lan = await Lan.create([
    { name: "servers", links: [{ addresses: ["192.0.2.1/24", "2001:db8::1/64"] }] },
    { name: "a", links: [{ addresses: ["192.0.2.2/24", "2001:db8::2/64"] }] },
    { name: "b", links: [{ addresses: ["192.0.2.3/24", "2001:db8::3/64"] }] },
  ]);
  const host = lan.host("servers");
  await host.exec(["ip", "addr", "add", `${local}/64`, "dev", "eth0", "nodad"]);
  const servers: RealServers = await realServers(host, dir);
  try {
    // Without their limits of one per second the kernel says of every datagram that nobody wants it.
    await host.sysctl({ "net.ipv4.icmp_ratelimit": "0", "net.ipv6.icmp.ratelimit": "0" });
    await forbid(host, [lan.host("a"), lan.host("b")]);
    await servers.start();
    await until("all servers listen", 20_000, async () => {
      const sockets = await host.exec(["ss", "-Hlntu"]);
      return [":80 ", ":443 ", ":8443 ", ":25 ", ":53 "].every((port) => sockets.includes(port));
    });
    for (const name of ["servers", "a", "b"]) await settled(lan.host(name));
    const ours = await lan.host("a").start(holdfast("memory"), config, ["--check"]);
    const theirs = await lan.host("b").start(referenceChecker, config, ["--check"]);
    const both = [ours, theirs];
    await agree("at the start", both, "0 out, 0 back", "1 out, 0 back");

    const tried = async (): Promise<Readonly<Record<string, { readonly count: number }>>> =>
      (await askStatus(ours.files.controlSocket)).latency;
    const kinds = ["TCP_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK", "DNS_CHECK", "UDP_CHECK", "PING_CHECK"];
    await until("the status has latencies of every kind", 10_000, async () => {
      const latency = await tried();
      return kinds.every((kind) => (latency[kind]?.count ?? 0) >= 2);
    });
    const status = await askStatus(ours.files.controlSocket);
    const states = status.virtualServers.map(({ realServers: [server] }) => server?.state);
    assert.deepEqual(
      states,
      rows.map(({ up }) => (up ? "up" : "down")),
    );

    await servers.stop();
    await answerPings(host, false);
    await agree("with the servers gone", both, "1 out, 0 back", "1 out, 0 back");

    await answerPings(host, true);
    await servers.start();
    await agree("with the servers back", both, "1 out, 1 back", "1 out, 0 back");
  } finally {
    await servers.stop();
    await rm(dir, { recursive: true });
  }
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Config } from "../../main/config/model.js";
import { hasErrors } from "../../main/config/report.js";
import { load, service } from "./config-fake-host.js";
import { reloaded, sectionsOf, shownLvs, withoutPositions } from "./config-lvs-shown.js";

/** What the LVS side of a file becomes: the values that are not in the golden files, and that it can be written back. */

const loaded = (text: string): Config => {
  const result = load(text);
  assert.equal(hasErrors(result), false, JSON.stringify(result.diagnostics));
  assert.ok(result.config);
  return result.config;
};

/** The value at a path such as `virtualServers.0.ipvs.flag1`. */
const valueAt = (config: Config, path: string): unknown =>
  path.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], config);

const SERVICE = "virtualServers.0";
const SERVER = "virtualServers.0.realServers.0";
const CHECK = `${SERVER}.checks.0`;
const PAGE = "url {\npath /\n}";

const lines: readonly (readonly [lines: string, path: string, value: unknown])[] = [
  ["", `${SERVICE}.ipvs.tunnel`, { type: "ipip", port: 0, checksum: "nocsum" }],
  ["lb_kind TUN type gue port 5 csum", `${SERVICE}.ipvs.tunnel`, { type: "gue", port: 5, checksum: "csum" }],
  ["lb_kind TUN csum type gre", `${SERVICE}.ipvs.tunnel`, { type: "gre", port: 0, checksum: "csum" }],
  ["lb_algo mh\nmh-port\nsh-fallback", `${SERVICE}.ipvs.flag1`, false],
  ["lb_algo mh\nmh-port", `${SERVICE}.ipvs.flag2`, true],
  ["lb_algo sh\nsh-fallback", `${SERVICE}.ipvs.flag1`, true],
  ["persistence_granularity 255.255.0.0", `${SERVICE}.persistenceTimeoutSeconds`, 360],
  ["persistence_timeout 5\npersistence_granularity 255.255.0.0", `${SERVICE}.persistenceTimeoutSeconds`, 5],
  ["sorry_server 10.0.0.9\nsorry_server_lvs_method DR", `${SERVICE}.ipvs.sorryForwarding.method`, "DR"],
  ["sorry_server 10.0.0.9\nsorry_server 10.0.0.8", `${SERVICE}.sorryServer.address`, "10.0.0.8"],
  ["weight 7", `${SERVER}.weight`, 7],
  ["rise 7\nfall 9\nfast_interval 3\njitter 2", `${SERVICE}.delayLoop`, 60_000],
  ["delay_loop 0.000001", `${SERVICE}.delayLoop`, 0.001],
];

const inServer: readonly (readonly [lines: string, path: string, value: unknown])[] = [
  ["lvs_method TUN", `${SERVER}.ipvs.forwarding.method`, "TUN"],
  ["uthreshold 4294967295", `${SERVER}.ipvs.upperThreshold`, 4_294_967_295],
  ["DNS_CHECK {\n}", `${CHECK}.timing.retry`, 3],
  ["delay_loop 7\nDNS_CHECK {\n}", `${CHECK}.timing.delayBeforeRetry`, 7000],
  ['DNS_CHECK {\nname ""\n}', `${CHECK}.name`, "."],
  ["MISC_CHECK {\nmisc_path /usr/bin/check\n}", `${CHECK}.timing.retry`, 0],
  ["delay_loop 7\nMISC_CHECK {\nmisc_path /usr/bin/check\n}", `${CHECK}.timeout`, 60_000],
  ["MISC_CHECK {\nmisc_path /usr/bin/check\nmisc_timeout 3\n}", `${CHECK}.timeout`, 3000],
  [
    "MISC_CHECK {\nmisc_path /usr/bin/check\nmisc_path /usr/bin/notify\n}",
    `${CHECK}.command.argv.0`,
    "/usr/bin/notify",
  ],
  ['UDP_CHECK {\npayload "01 2 ABC"\n}', `${CHECK}.payload`, "0102ab0c"],
  ["UDP_CHECK {\nrequire_reply\n}", `${CHECK}.requireReply`, true],
  ["SMTP_CHECK {\n}", `${CHECK}.heloName`, "smtpchecker.keepalived.org"],
  ["PING_CHECK {\n}", `${SERVER}.checks.0.timing.retry`, 1],
  ["TCP_CHECK {\n}", `${CHECK}.closeWith`, "reset"],
  ["TCP_CHECK {\nclose_with fin\n}", `${CHECK}.closeWith`, "fin"],
  [`HTTP_GET {\n${PAGE}\nclose_with fin\n}`, `${CHECK}.closeWith`, "fin"],
  [`SSL_GET {\n${PAGE}\nsession_resumption\n}`, `${CHECK}.sessionResumption`, true],
  [`SSL_GET {\n${PAGE}\n}`, `${CHECK}.sessionResumption`, false],
  ["TCP_CHECK {\n}", `${CHECK}.timing.rise`, 1],
  ["TCP_CHECK {\n}", `${CHECK}.timing.fastInterval`, undefined],
  ["TCP_CHECK {\n}", `${CHECK}.timing.jitter`, 0],
  ["TCP_CHECK {\nrise 3\n}", `${CHECK}.timing.rise`, 3],
  ["rise 3\nTCP_CHECK {\n}", `${CHECK}.timing.rise`, 3],
  ["TCP_CHECK {\nfall 1\n}", `${CHECK}.timing.retry`, 0],
  ["fall 4\nTCP_CHECK {\n}", `${CHECK}.timing.retry`, 3],
  ["fall 4\nTCP_CHECK {\nretry 1\n}", `${CHECK}.timing.retry`, 1],
  ["fall 1\nMISC_CHECK {\nmisc_path /usr/bin/check\n}", `${CHECK}.timing.retry`, 0],
  ["SMTP_CHECK {\nhost {\nfall 5\nrise 2\n}\n}", `${CHECK}.timing.retry`, 4],
  ["fast_interval 0.5\njitter 0.25\nPING_CHECK {\n}", `${CHECK}.timing.fastInterval`, 500],
  ["fast_interval 0.5\njitter 0.25\nPING_CHECK {\n}", `${CHECK}.timing.jitter`, 250],
  ["SSL_GET {\nurl {\npath /\n}\n}", `${SERVER}.checks.0.timing.delayBeforeRetry`, 3000],
  ["TCP_CHECK {\n}", `${SERVER}.checks.0.timing.delayBeforeRetry`, 1000],
  ["HTTP_GET {\nurl {\npath /\nregex 'a b'\\x41\n}\n}", `${SERVER}.checks.0.urls.0.body.pattern`, "a bA"],
  ["SSL_GET {\nurl {\npath /\n}\ntls_compliant\n}", `${SERVER}.checks.0.urls.0.tlsCompliant`, true],
];

for (const [text, path, value] of [
  ...lines.map(([text, path, value]) => [service(text), path, value] as const),
  ...inServer.map(([text, path, value]) => [service("", text), path, value] as const),
]) {
  test(`LVS model: ${text.replace(/\s+/g, " ").slice(40, 130)}: ${path.slice(path.lastIndexOf(".") + 1)}`, () => {
    assert.deepEqual(valueAt(loaded(text), path), value);
  });
}

test("what a service says about its checks holds for all of them", () => {
  const config = loaded(service("rise 7\nfall 9\nfast_interval 3\njitter 2", "TCP_CHECK {\n}\nDNS_CHECK {\n}"));
  const [server] = config.virtualServers[0]?.realServers ?? [];
  for (const check of [server?.checks[0], server?.checks[1]]) {
    assert.ok(check !== undefined && "timing" in check);
    const { rise, retry, fastInterval, jitter } = check.timing;
    assert.deepEqual({ rise, retry, fastInterval, jitter }, { rise: 7, retry: 8, fastInterval: 3000, jitter: 2000 });
  }
});

test("a MISC_CHECK without misc_timeout may run as long as the delay_loop of its virtual server", () => {
  for (const [line, timeout] of [
    ["", 60_000],
    ["delay_loop 41", 41_000],
    ["delay_loop 0.000001", 0.001],
  ] as const)
    assert.equal(
      valueAt(loaded(service(line, "MISC_CHECK {\nmisc_path /usr/bin/check\n}")), `${CHECK}.timeout`),
      timeout,
      line,
    );
});

test("the block SSL is one object for all SSL_GET, and for nothing else", () => {
  const servers = `SSL_GET {\n${PAGE}\n}\nHTTP_GET {\n${PAGE}\n}\nSSL_GET {\n${PAGE}\nretry 7\n}`;
  const config = loaded(`${service("", servers)}SSL {\nca /etc/ca.pem\n}\n`);
  const [first, plain, second] = config.virtualServers[0]?.realServers[0]?.checks ?? [];
  assert.ok(first?.type === "SSL_GET" && plain?.type === "HTTP_GET" && second?.type === "SSL_GET");
  assert.equal(first.tls?.caFile, "/etc/ca.pem");
  assert.equal(first.tls, second.tls);
  assert.equal(first.tls, config.checkerTls);
  assert.equal(plain.tls, undefined);
});

test("ranges of a group are their ends", () => {
  const entries = (text: string): unknown =>
    loaded(`virtual_server_group G {\n${text}\n}\n`).virtualServerGroups[0]?.entries;
  for (const [range, last] of [
    ["10.0.0.1-5", "10.0.0.5"],
    ["10.0.0.1-10.0.2.5", "10.0.2.5"],
    ["10.0.0.0/23", "10.0.1.255"],
    ["2001:db8::10-ff", "2001:db8::ff"],
    ["2001:db8::/127", "2001:db8::1"],
    ["10.0.0.1/32", "10.0.0.1"],
  ] as const) {
    assert.deepEqual(entries(`${range} 80`), [
      { kind: "addresses", first: range.replace(/[-/].*/, ""), last, port: 80 },
    ]);
  }
});

test("a mark is known by its family, its servers' unless it says one", () => {
  const of = (lines: string, server: string): unknown =>
    valueAt(
      loaded(`virtual_server fwmark 1 {\nlb_algo rr\n${lines}\nreal_server ${server} {\n}\n}\n`),
      `${SERVICE}.service.family`,
    );
  assert.equal(of("lb_kind DR", "10.0.0.2"), "inet");
  assert.equal(of("lb_kind DR", "2001:db8::2"), "inet6");
  assert.equal(of("lb_kind TUN", "2001:db8::2"), "inet");
  assert.equal(of("lb_kind TUN\nip_family inet6", "10.0.0.2"), "inet6");
  assert.equal(of("lb_kind TUN\npersistence_granularity 64", "10.0.0.2"), "inet6");
});

const folder = new URL("../../../test/golden/config/", import.meta.url);
for (const name of readdirSync(folder).filter((file) => file.endsWith(".conf"))) {
  test(`written back, ${name} means the same`, () => {
    const [input = ""] = readFileSync(new URL(name, folder), "utf8").split("\n======== result ========\n");
    const config = load(input).config;
    assert.ok(config);
    const again = reloaded(config);
    assert.deepEqual(withoutPositions(sectionsOf(again)), withoutPositions(sectionsOf(config)), shownLvs(config, true));
  });
}

test("the pass phrase is shown only when it is asked for", () => {
  const config = loaded('SSL {\npassword "hunter two"\nkey /etc/key.pem\n}\n');
  assert.match(shownLvs(config, true), /password "hunter two"/);
  assert.match(shownLvs(config, false), /password <hidden>/);
  assert.doesNotMatch(shownLvs(config, false), /hunter/);
});

test("BFD by IPv6: packets go out with a hop limit of 255, and those of keepalived, with 64, are taken (RFC 5881 §5)", () => {
  const rows: readonly (readonly [neighbor: string, lines: string, sent: number, least: number])[] = [
    ["2001:db8::2", "", 255, 64],
    ["2001:db8::2", "max_hops 10", 255, 54],
    ["2001:db8::2", "max_hops -1", 255, 0],
    ["2001:db8::2", "hoplimit 64", 64, 64],
    ["2001:db8::2", "hoplimit 255\nmax_hops 1", 255, 254],
    ["192.0.2.2", "", 255, 255],
    ["192.0.2.2", "max_hops 255", 255, 0],
  ];
  for (const [neighbor, text, sent, least] of rows) {
    const config = loaded(`bfd_instance B {\nneighbor_ip ${neighbor}\n${text}\n}\n`);
    for (const of of [config, reloaded(config)]) {
      const [session] = of.bfdInstances;
      assert.deepEqual([session?.ttl, session?.leastTtl], [sent, least], `${neighbor} ${text}`);
    }
  }
});

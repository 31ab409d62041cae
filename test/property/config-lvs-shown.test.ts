import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { load } from "../unit/config-fake-host.js";
import { reloaded, sectionsOf, shownLvs, withoutPositions } from "../unit/config-lvs-shown.js";

/** Whatever stands in a file: what was understood of it can be written out, and is the same when it is read again. */

const count = fc.oneof(fc.integer({ min: -1, max: 9 }), fc.constantFrom(255, 65_535, 4_294_967_295, 4_294_967_296));
const time = fc.oneof(fc.integer({ min: 0, max: 5_000_000 }), fc.nat()).map((us) => (us / 1e6).toFixed(6));
// Mostly good values, so that most of a file is understood.
const ip = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3") },
  { weight: 1, arbitrary: fc.constantFrom("2001:db8::1", "fe80::1", "10.0.0") },
);
const portNumber = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(80, 443, 0) }, { weight: 1, arbitrary: count });
const word = fc.oneof(
  fc.stringMatching(/^[a-z./:%-]{1,12}$/),
  fc.constantFrom("é", "a$", '"two words"', '"#"', '"{"', "''", "a\\b", "x'y"),
);
const method = fc.constantFrom("NAT", "DR", "TUN", "TUN type gue port 7 csum", "TUN type gre", "TUN type gue");
const onOff = fc.constantFrom("", "on", "off", "perhaps");

const line = (...parts: readonly (string | fc.Arbitrary<string | number>)[]): fc.Arbitrary<string> =>
  fc
    .tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part)))
    .map((words) => words.join(" "));
const linesOf = (...choices: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.array(fc.oneof(...choices), { maxLength: 6 }).map((lines) => lines.join("\n"));
/** `must` stands in every one of them. */
const linesWith = (
  must: string | fc.Arbitrary<string>,
  ...choices: readonly fc.Arbitrary<string>[]
): fc.Arbitrary<string> =>
  fc
    .tuple(linesOf(...choices), typeof must === "string" ? fc.constant(must) : must, linesOf(...choices))
    .map((lines) => lines.join("\n"));
const block = (head: fc.Arbitrary<string>, body: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(head, body).map(([h, b]) => `${h} {\n${b}\n}`);

const timing = [
  line("delay_loop", time),
  line("delay_before_retry", time),
  line("warmup", time),
  line("retry", count),
  line("fall", count),
  line("rise", count),
  line("fast_interval", time),
  line("jitter", time),
  line("connect_timeout", time),
  line("alpha", onOff),
] as const;
const target = [
  ...timing,
  line("log_all_failures", onOff),
  line("connect_ip", ip),
  line("connect_port", portNumber),
  line("bindto", ip),
  line("bind_port", count),
  line("bind_if", word),
  line("fwmark", count),
] as const;

const closing = line("close_with", fc.constantFrom("reset", "fin", "both"));

const url = block(
  fc.constant("url"),
  linesWith(
    line("path", word),
    line("virtualhost", word),
    line("status_code", fc.constantFrom("200", "200-299 404", "99")),
    line("digest 00112233445566778899AABBCCDDEEFF"),
    line("regex", word),
    line("regex_options", fc.constantFrom("caseless", "utf ucp", "none")),
    line("regex_no_match"),
    line("regex_min_offset", count),
    line("regex_max_offset", count),
    line("regex_stack", count, count),
    line("tls_compliant", onOff),
  ),
);

const checker = fc.oneof(
  block(fc.constantFrom("TCP_CHECK", "PING_CHECK"), linesOf(...target, closing)),
  block(
    fc.constantFrom("HTTP_GET", "SSL_GET"),
    linesWith(
      url,
      ...target,
      url,
      url,
      line("sni_name", word),
      line("enable_sni", onOff),
      closing,
      line("session_resumption", onOff),
      line("http_protocol", fc.constantFrom("1.0c", "1.1")),
    ),
  ),
  block(fc.constant("SMTP_CHECK"), linesOf(...target, line("helo_name", word))),
  block(
    fc.constant("DNS_CHECK"),
    linesOf(...target, line("name", word), line("type", fc.constantFrom("a", "MX", "X"))),
  ),
  block(
    fc.constant("UDP_CHECK"),
    linesOf(
      ...target,
      line("payload", fc.constantFrom("0", "ABC", '"1 2"', "x")),
      line("require_reply", fc.constantFrom("", "0x xx", "1X2")),
      line("max_reply_length", count),
    ),
  ),
  block(
    fc.constant("MISC_CHECK"),
    linesWith(
      "misc_path /usr/bin/check",
      ...timing,
      line("misc_path", fc.constantFrom("/usr/bin/check", `"/usr/bin/check 'a b' \\x41 \\\\"`)),
      line("misc_timeout", count),
      line("user", fc.constantFrom("eve", "root adm")),
    ),
  ),
  block(
    fc.constant("FILE_CHECK"),
    linesWith("track_file load", line("weight", count, fc.constantFrom("", "reverse", "noreverse"))),
  ),
  block(fc.constant("BFD_CHECK"), linesWith("name far", line("alpha", onOff))),
);

const realServer = block(
  line("real_server", ip, portNumber),
  linesWith(
    checker,
    ...timing,
    checker,
    checker,
    line("weight", count),
    line("lvs_method", method),
    line("uthreshold", count),
    line("inhibit_on_failure", onOff),
    line("smtp_alert", onOff),
    line("virtualhost", word),
    line("snmp_name", word),
    line("notify_up", fc.constantFrom("/usr/bin/notify", '"/usr/bin/notify up" eve')),
  ),
);

const virtualServer = block(
  fc.oneof(
    line("virtual_server", ip, portNumber),
    line("virtual_server fwmark", count),
    line("virtual_server group G"),
  ),
  linesWith(
    realServer,
    ...timing,
    realServer,
    realServer,
    realServer,
    line("lb_algo", fc.constantFrom("rr", "sh", "mh", "none")),
    line("lb_kind", method),
    line(fc.constantFrom("ops", "sh-port", "mh-fallback", "flag-3", "ha_suspend", "alpha", "omega", "hashed")),
    line("protocol", fc.constantFrom("tcp", "UDP", "SCTP")),
    line("ip_family", fc.constantFrom("inet", "inet6")),
    line("persistence_timeout", count),
    line("persistence_granularity", fc.constantFrom("255.255.255.0", "64", "9.9.9.9")),
    line("persistence_engine", word),
    line("quorum", count),
    line("hysteresis", count),
    line("sorry_server", ip, portNumber),
    line("sorry_server_lvs_method", method),
    line("sorry_server_inhibit"),
    line("virtualhost", word),
  ),
);

const group = block(
  fc.constant("virtual_server_group G"),
  linesWith(
    "10.0.0.1 80",
    line(fc.constantFrom("10.0.0.1-9", "10.0.0.0/28", "fe80::1-ff", "10.0.0.1"), count),
    line("fwmark", count, fc.constantFrom("", "inet", "inet6")),
  ),
);

const session = block(
  fc.constant("bfd_instance far"),
  linesWith(
    line("neighbor_ip", ip),
    line("source_ip", ip),
    line(
      fc.constantFrom("min_rx", "min_tx", "idle_tx"),
      fc.integer({ min: 0, max: 5_000_000 }).map((us) => (us / 1000).toFixed(3)),
    ),
    line(fc.constantFrom("ttl", "max_hops", "multiplier"), count),
    line("weight", count, fc.constantFrom("", "reverse")),
    line(fc.constantFrom("vrrp", "checker", "passive", "multihop")),
  ),
);

const tls = block(fc.constant("SSL"), linesOf(line(fc.constantFrom("password", "ca", "certificate", "key"), word)));

const file = fc
  .array(fc.oneof(group, session, tls, virtualServer, virtualServer, virtualServer), { maxLength: 6 })
  .map((blocks) => ["track_file load {\nfile /usr/bin/load\n}", ...blocks, ""].join("\n"));

test("the LVS side written out and read again is the same", () => {
  fc.assert(
    fc.property(file, (text) => {
      const config = load(text).config;
      assert.ok(config);
      const again = reloaded(config);
      assert.deepEqual(
        withoutPositions(sectionsOf(again)),
        withoutPositions(sectionsOf(config)),
        shownLvs(config, true),
      );
      assert.equal(shownLvs(again, true), shownLvs(config, true));
    }),
    { numRuns: 300 },
  );
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Config } from "../../main/config/model.js";
import type { VrrpSections } from "../../main/config/model-vrrp.js";
import { showConfig } from "../../main/config/show/show.js";
import { instance, load } from "./config-fake-host.js";

const folder = new URL("../../../test/golden/config/", import.meta.url);

const vrrpOf = (config: Config): VrrpSections => {
  const { vrrpScripts, vrrpInstances, syncGroups, trackers, staticEntries, linkSettings } = config;
  return { vrrpScripts, vrrpInstances, syncGroups, trackers, staticEntries, linkSettings };
};

const withoutPositions = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "at" ? undefined : inner)));

function assertReadsBack(text: string): void {
  const { config } = load(text);
  assert.ok(config);
  const shown = showConfig(config, { secrets: true });
  const again = load(shown).config;
  assert.ok(again);
  assert.deepEqual(withoutPositions(vrrpOf(again)), withoutPositions(vrrpOf(config)), shown);
}

for (const name of readdirSync(folder)) {
  test(`what is shown of ${name} reads back as the same`, () => {
    assertReadsBack(readFileSync(new URL(name, folder), "utf8").split("\n======== result")[0] ?? "");
  });
}

test("a password is shown only when asked for", () => {
  const { config } = load(instance("authentication {\nauth_type PASS\nauth_pass secret\n}"));
  assert.ok(config);
  assert.match(showConfig(config, { secrets: true }), /auth_pass secret/);
  const shown = showConfig(config, { secrets: false });
  assert.doesNotMatch(shown, /secret/);
  assert.match(shown, /auth_pass <hidden>/);
});

const words = (...list: readonly string[]) => fc.constantFrom(...list);
const number = (most: number) => fc.integer({ min: 0, max: most }).map(String);
const option = (word: string, value: fc.Arbitrary<string>) => value.map((text) => `${word} ${text}`);

const routeOption = fc.oneof(
  option("via", words("10.0.0.1", "inet 10.0.0.2")),
  option("src", words("10.0.0.9")),
  option("table", words("main", "100", "0x10", "local")),
  option("metric", number(0xffff_ffff)),
  option("scope", words("link", "host", "17")),
  option("tos", number(255)),
  option("mtu", words("1400", "lock 1300")),
  option("rtt", words("0.2s", "1601", "lock 999.875ms", "120s")),
  option("hoplimit", number(255)),
  option("congctl", words("reno", "lock cubic")),
  option("realms", words("1", "2/3")),
  option("encap", words("ip id 5", "mpls 7/8", "ila 1:2:3:4", "ip6 dst fe80::1 tc 5")),
  words("onlink", "no_track", "append", "add", "features ecn", "quickack 1", "ttl-propagate enabled"),
);
const hop = fc.tuple(
  words("via 10.0.0.1", "via 10.0.0.2 dev eth1", "dev eth0 onlink"),
  fc.integer({ min: 1, max: 256 }),
);

test("routes read back as the same, whatever is on the line", () => {
  const line = fc
    .tuple(
      words("10.0.0.0/8", "default", "blackhole 10.0.0.0/9", "9 10.1.0.0/16", "to any"),
      fc.uniqueArray(routeOption, { selector: (text) => text.split(" ")[0], maxLength: 8 }),
      fc.array(hop, { maxLength: 3 }),
    )
    .map(([to, options, hops]) => {
      const tail = hops.map(([text, weight]) => `nexthop ${text} weight ${weight}`);
      return [to, "dev eth0", ...options, ...tail].join(" ");
    });
  fc.assert(
    fc.property(line, (text) => {
      assert.equal(load(`static_routes {\n${text}\n}\n`).config?.staticEntries.routes.length, 1, text);
      assertReadsBack(`static_routes {\n${text}\n}\n`);
    }),
    { numRuns: 150 },
  );
});

const ruleOption = fc.oneof(
  option("from", words("10.0.0.0/8", "any", "10.0.0.1")),
  option("to", words("10.0.0.0/8", "default")),
  option("tos", number(255)),
  option("fwmark", words("5", "0x10/0xff", "0/0")),
  option("iif", words("eth0", "eth1")),
  option("oif", words("eth0", "eth1")),
  option("uidrange", words("0-5", "7-4294967295")),
  option("ipproto", words("tcp", "112")),
  option("sport", words("1-2", "9-8")),
  option("tunnel-id", number(0xffff_ffff)),
  option("protocol", number(255)),
  words("not", "no_track"),
);

test("rules read back as the same, whatever is on the line", () => {
  const line = fc
    .tuple(
      fc.uniqueArray(ruleOption, { selector: (text) => text.split(" ")[0], maxLength: 8 }),
      words("table 7", "lookup main realms 1/2 sup_pl 5", "goto 99999", "type prohibit", "l3mdev", "inet6 inet6 nop"),
      number(99_998),
    )
    .filter(([options, action]) => !action.startsWith("inet6") || !options.some((text) => /^(from|to)/.test(text)))
    .map(([options, action, preference]) => [...options, action, "preference", preference].join(" "));
  fc.assert(
    fc.property(line, (text) => {
      assert.equal(load(`static_rules {\n${text}\n}\n`).config?.staticEntries.rules.length, 1, text);
      assertReadsBack(`static_rules {\n${text}\n}\n`);
    }),
    { numRuns: 150 },
  );
});

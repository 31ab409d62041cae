import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Scope } from "../../main/config/keyword.js";
import { rootScope } from "../../main/config/keywords/root.js";
import { type Place, places } from "../../main/config/walk.js";

/**
 * What the configuration model holds has an effect, or its keyword says that it has none. By names: a property that is named
 * nowhere outside main/config is used by nobody, whatever its keyword promises. (A name that other things have too is not noticed.)
 */
const projectRoot = fileURLToPath(new URL("../../../", import.meta.url));

/** By property, the keyword that sets it. `accepted`: marked so. `idle`: its text says "No effect". */
const without: Readonly<Record<"accepted" | "idle", Readonly<Record<string, string>>>> = {
  accepted: {
    ipsets: "vrrp_ipsets",
    address6: "vrrp_ipsets",
    interface6: "vrrp_ipsets",
    nd: "vrrp_ipsets",
    traps: "enable_traps",
    rfcV2: "enable_snmp_rfcv2",
    rfcV3: "enable_snmp_rfcv3",
    virtualServerInterval: "snmp_vs_stats_update_interval",
    realServerInterval: "snmp_rs_stats_update_interval",
    dbus: "enable_dbus",
    serviceName: "dbus_service_name",
    noInterfaceName: "dbus_no_interface_name",
  },
  idle: {
    namespaceWithIpsets: "namespace_with_ipsets",
    temporaryDirectory: "tmp_config_directory",
    statsDump: "stats_dump_file",
    jsonDump: "json_dump_file",
    randomSeed: "random_seed",
  },
};

/** Has its effect while the configuration is read; kept to be shown. */
const whileReading: Readonly<Record<string, string>> = {
  checkerLogAllFailures: "log_all_failures of each check",
  garpExtraIf: "garp_extra_if of each instance",
  v3ChecksumAsV2: "v3_checksum_as_v2 of each instance",
  defaultInterface: "dev of addresses and routes, interface of instances",
  dynamicInterfaces: "interfaces that do not exist yet are no error",
  iprouteUsrDirectory: "names in routes and rules",
  iprouteEtcDirectory: "names in routes and rules",
  supplementaryGroups: "groups of the user of each script",
  useSymlinkPaths: "path of each script",
};

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const isCode = (file: string): boolean => file.endsWith(".ts");
const filesIn = (folder: string): readonly string[] =>
  readdirSync(path.join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter(isCode)
    .map((file) => path.join(folder, file));
const textOf = (file: string): string =>
  readFileSync(path.join(projectRoot, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g, "");

const config = path.join("main", "config");
const isModel = (file: string): boolean => path.dirname(file) === config && /^model/.test(path.basename(file));

const properties = new Set(
  filesIn(config)
    .filter(isModel)
    .flatMap((file) => Array.from(textOf(file).matchAll(/\breadonly (\w+)\??:/g), ([, name = ""]) => name)),
);
/** Shows words that nobody else uses: a line of a dump is no effect. */
const onlyShows = path.join("main", "observe", "global-host.ts");
const used = new Set(
  [...filesIn("main"), ...filesIn("workers")]
    .filter((file) => !file.startsWith(config + path.sep) && file !== onlyShows)
    .flatMap((file) => textOf(file).match(/\w+/g) ?? []),
);
const unused = [...properties].filter((name) => !used.has(name)).sort(byText);

const keywords = new Map<string, Place>();
for (const place of places(rootScope as Scope<never>))
  if (place.path.join() === "global_defs") keywords.set(place.name, place);
for (const place of places(rootScope as Scope<never>)) if (place.path.length === 0) keywords.set(place.name, place);

test("properties that nobody uses outside main/config are those of this list", () => {
  assert.ok(properties.size > 400 && used.size > 1000, "the files are found");
  const listed = [...Object.values(without), whileReading].flatMap((list) => Object.keys(list));
  assert.deepEqual(unused, listed.sort(byText));
});

test("their keywords say that they have no effect", () => {
  for (const [property, name] of Object.entries(without.accepted))
    assert.equal(keywords.get(name)?.state, "accepted", `${property}: ${name} is not marked, so it promises an effect`);
  for (const [property, name] of Object.entries(without.idle))
    assert.match(keywords.get(name)?.keyword.doc ?? "", /^No effect/, `${property}: ${name} promises an effect`);
});

test("what has its effect while the configuration is read is used by more than what shows it", () => {
  const readers = filesIn(config).filter((file) => !isModel(file) && !file.includes(`${path.sep}show${path.sep}`));
  const drafts: Readonly<Record<string, string>> = {
    iprouteUsrDirectory: "iprouteUsrDir",
    iprouteEtcDirectory: "iprouteEtcDir",
  };
  for (const property of Object.keys(whileReading)) {
    const name = new RegExp(`[.{,]\\s*${drafts[property] ?? property}\\b`);
    const users = readers.filter((file) => !file.includes(`${path.sep}keywords${path.sep}`) && name.test(textOf(file)));
    assert.ok(users.length > 1, `${property} is only handed through: ${users.join(", ")}`);
  }
});

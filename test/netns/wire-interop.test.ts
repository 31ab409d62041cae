import assert from "node:assert/strict";
import { test } from "node:test";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { loadText } from "../harness/config-fixtures.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { linkLocalOf } from "./link-local.js";
import { pairings } from "./pairing.js";
import { generateInstances } from "./wire-cases.js";

/**
 * Two hosts with the same generated instances, over the keywords that decide about adverts: whoever has the higher priority is
 * master of all of them, and the other one hears it. HOLDFAST_SEED chooses other instances.
 */

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const CASES = 60;
/** The slowest: 3 x 3 s and 3 s of skew, one election after the other in the worst case, and a busy machine. */
const SETTLE_MS = 40_000;

/** Instances of which a host has every address, by name. */
async function heldBy(host: Host, instances: readonly VrrpInstanceConfig[]): Promise<readonly string[]> {
  const there = new Set(await host.addresses());
  const holds = ({ virtualAddresses }: VrrpInstanceConfig) =>
    virtualAddresses.every(({ address, prefix }) => there.has(`${address}/${prefix}`));
  return instances.filter(holds).map(({ name }) => name);
}

const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 180_000 };

const own = pairings.filter(({ master, backup }) => master.name === "holdfast" && backup.name === "holdfast");
const variants = [
  ...pairings.map((pairing) => ({ pairing, signed: false, name: pairing.name })),
  // Debian's keepalived is older than auth_hmac.
  ...own.map((pairing) => ({ pairing, signed: true, name: `${pairing.name}, signed` })),
];

for (const { pairing, signed, name } of variants) {
  test(`heard by each other: ${CASES} generated instances (seed ${seed}), ${name}`, options, async (t) => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    const [a6, b6] = [await linkLocalOf(a), await linkLocalOf(b)];
    const conf = (priority: number, peer4: string, peer6: string) =>
      generateInstances(seed, CASES, { priority, peers4: [peer4], peers6: [peer6], signed });
    const master = conf(200, "192.0.2.2", b6);
    const instances = loadText(master).vrrpInstances;
    const backup = await b.start(pairing.backup, conf(100, "192.0.2.1", a6), ["--vrrp"]);
    await a.start(pairing.master, master, ["--vrrp"]);
    const names = instances.map(({ name }) => name);
    const both = async () => ({ a: await heldBy(a, instances), b: await heldBy(b, instances) });
    const settled = async () => {
      const now = await both();
      return now.a.length === CASES && now.b.length === 0;
    };
    await until("a is master of all, alone", SETTLE_MS, settled, 250).catch(async () => {
      t.diagnostic((await backup.log()).split("\n").slice(-60).join("\n"));
      assert.deepEqual(await both(), { a: names, b: [] });
    });
  });
}

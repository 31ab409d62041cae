import type { Config, RealServerConfig, VirtualServerConfig } from "../../../main/config/model.js";
import type { ServerCheckConfig } from "../../../main/config/model-checks.js";
import { isPooled } from "../../../main/health/pooled.js";
import { ms, port } from "../../../main/units.js";
import { emptyConfig, globalConfig } from "../../harness/config-fixtures.js";
import type { Random } from "../../simulation/cluster/random.js";
import { miscCheck, realServer, tcpCheck, virtualServer } from "../../unit/health-fixtures.js";
import { isAlpha, runOf } from "./health-model.js";

/** Small configurations in which everything meets soon, and edits of them as people and programs make them. */

const services: readonly VirtualServerConfig["service"][] = [
  { kind: "address", address: "192.0.2.1", port: port(80), protocol: "TCP" },
  { kind: "address", address: "192.0.2.1", port: port(80), protocol: "UDP" },
  { kind: "address", address: "2001:db8::1", port: port(80), protocol: "TCP" },
  { kind: "fwmark", fwmark: 7, family: "inet" },
  { kind: "fwmark", fwmark: 7, family: "inet6" },
];
const MOST_SERVERS = 5;
const addressOf = (n: number): string => `10.0.0.${n + 1}`;

export function randomFarm(random: Random): Config {
  const virtualServers = Array.from({ length: random.below(4) }, () => randomService(random));
  return emptyConfig({ virtualServers });
}

function randomService(random: Random): VirtualServerConfig {
  const quorum = 1 + random.below(3);
  const addresses = shuffled(random, MOST_SERVERS).slice(0, random.below(MOST_SERVERS));
  return virtualServer({
    service: random.pick(services),
    quorum,
    hysteresis: random.below(quorum),
    sorryServer: random.chance(0.4) ? { address: "10.9.9.9", port: port(80) } : undefined,
    sorryServerInhibit: random.chance(0.2),
    realServers: addresses.map((n) => randomServer(random, addressOf(n))),
  });
}

function randomServer(random: Random, address: string): RealServerConfig {
  const checks = distinct(Array.from({ length: random.pick([0, 1, 1, 1, 2, 3]) }, () => randomCheck(random, address)));
  const weight = random.pick([0, 1, 1, 1, 2, 5]);
  return realServer({ address, weight, checks, inhibitOnFailure: random.chance(0.2), smtpAlert: false });
}

/** Twice the same at the same times on one server: nobody would know which is which, but for their `alpha`. */
const distinct = (checks: readonly ServerCheckConfig[]): readonly ServerCheckConfig[] => [
  ...new Map(checks.map((check) => [`${runOf(check)} ${isAlpha(check)}`, check])).values(),
];

/** Some are shared by all servers, some by virtual servers that have the same server. None that sets weights is twice in a service. */
function randomCheck(random: Random, address: string): ServerCheckConfig {
  const times = { delayLoop: ms(random.pick([6000, 60_000])), alpha: random.chance(0.15) };
  switch (random.below(8)) {
    case 0:
      return tcpCheck(times);
    case 1:
      return tcpCheck(times, 8080, address);
    case 2:
      return { type: "FILE_CHECK", trackFile: random.pick(["f", "g"]), weight: 1, reverse: false };
    case 3:
      return { type: "BFD_CHECK", timing: tcpCheck(times).timing, name: "b" };
    case 4:
      return miscCheck({ argv: ["/bin/weigh", address], dynamic: true }, times);
    default:
      return tcpCheck(times, 80, address);
  }
}

/** Another configuration, which shares with this one what the edits leave alone. */
export function edited(random: Random, config: Config): Config {
  let next = config;
  for (let left = random.below(4); left > 0; left--) next = editedOnce(random, next);
  return random.chance(0.2) ? readAnew(next) : next;
}

/** Equal, and not one object the same: as after a start, or where nothing of the running configuration is at hand. */
export const readAnew = (config: Config): Config => ({ ...config, virtualServers: copied(config.virtualServers) });

const copied = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(copied) as T;
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = copied(value[key]);
  return copy as T;
};

function editedOnce(random: Random, config: Config): Config {
  const { virtualServers: all } = config;
  const draw = random.below(12);
  if (draw === 0 && random.chance(0.3))
    return { ...config, global: globalConfig({ routerId: random.pick(["a", "b"]) }) };
  if (draw <= 1 || all.length === 0) return { ...config, virtualServers: inserted(random, all, randomService(random)) };
  const at = random.below(all.length);
  const one = all[at] ?? randomService(random);
  if (draw === 2) return { ...config, virtualServers: all.toSpliced(at, 1) };
  if (draw === 3) return { ...config, virtualServers: inserted(random, all.toSpliced(at, 1), one) };
  return { ...config, virtualServers: all.with(at, editedService(random, one)) };
}

function editedService(random: Random, service: VirtualServerConfig): VirtualServerConfig {
  const { realServers: all } = service;
  const draw = random.below(12);
  if (draw === 0) return { ...randomService(random), service: service.service };
  if (draw === 1) return { ...service, scheduler: random.pick(["rr", "wlc"]), quorum: 1, hysteresis: 0 };
  if (draw <= 3 || all.length === 0) {
    const free = shuffled(random, MOST_SERVERS).map(addressOf);
    const address = free.find((a) => all.every((server) => server.address !== a));
    return address === undefined
      ? service
      : { ...service, realServers: inserted(random, all, randomServer(random, address)) };
  }
  const at = random.below(all.length);
  const one = all[at] ?? randomServer(random, addressOf(0));
  if (draw <= 5) return { ...service, realServers: all.toSpliced(at, 1) };
  if (draw === 6) return { ...service, realServers: inserted(random, all.toSpliced(at, 1), one) };
  return { ...service, realServers: all.with(at, editedServer(random, one)) };
}

function editedServer(random: Random, server: RealServerConfig): RealServerConfig {
  const { checks, address } = server;
  const at = random.below(checks.length);
  switch (random.below(6)) {
    case 0:
      return { ...server, weight: random.below(4) };
    case 1:
      return { ...server, inhibitOnFailure: !server.inhibitOnFailure };
    case 2:
      return { ...server, checks: checks.toSpliced(at, 1) };
    case 3:
      return { ...server, checks: checks.toReversed() };
    case 4: // the same at other times
      return {
        ...server,
        checks: distinct(
          checks.map((check) =>
            isPooled(check)
              ? { ...check, timing: { ...check.timing, delayLoop: ms(random.pick([6000, 60_000])) } }
              : check,
          ),
        ),
      };
    default:
      return { ...server, checks: distinct(inserted(random, checks, randomCheck(random, address))) };
  }
}

const inserted = <T>(random: Random, list: readonly T[], one: T): readonly T[] =>
  list.toSpliced(random.below(list.length + 1), 0, one);

function shuffled(random: Random, count: number): readonly number[] {
  const numbers = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [numbers[i], numbers[j]] = [numbers[j] ?? 0, numbers[i] ?? 0];
  }
  return numbers;
}

import { type Family, familyOf, type IpAddress } from "../address.js";
import { virtualServerKey } from "../config/identity.js";
import { parseIp } from "../config/ip.js";
import type { RealServerConfig, VirtualServerConfig } from "../config/model.js";
import { inSlices } from "../health/slices.js";
import type { RealServerSnapshot, VirtualServerSnapshot } from "../health/snapshot.js";
import type { CheckId, Milliseconds } from "../units.js";
import { compareIp } from "../vrrp/ip-order.js";
import type { LvsSide } from "./lvs-side.js";
import type { WhyAnswer } from "./why.js";
import type { ServersWhy, VirtualServerWhy } from "./why-servers.js";
import { isWell, virtualServerWhy } from "./why-servers-report.js";

/** In one answer; a person reads it. */
const MOST_VIRTUAL_SERVERS = 20;
const MOST_REAL_SERVERS = 50;

type Asked = Pick<LvsSide, "virtualServers" | "selfCheck" | "kernelSays" | "nextAttempts">;

/** @returns the names of the virtual servers when nothing here has that name. In slices: there may be 37,000 servers */
export async function whyServers(name: string, lvs: Asked, now: Milliseconds): Promise<WhyAnswer<ServersWhy>> {
  const search = new Search(name);
  await inSlices(search.run(lvs));
  const { about, found, known, others: more } = search;
  if (found.length === 0) return { known };
  const next = await lvs.nextAttempts(found.flatMap(({ shown }) => shown.flatMap(idsOf)));
  const self = lvs.selfCheck();
  const facts = {
    tableHeld: self?.state === "holding" ? self.trouble || "trouble that has just ended" : undefined,
    next: (id: CheckId): Milliseconds | undefined => next.get(id),
    now,
  };
  const virtualServers: VirtualServerWhy[] = [];
  const report = function* (): Generator<void> {
    for (const one of found) {
      virtualServers.push(virtualServerWhy({ ...one, kernel: lvs.kernelSays(one.config), ...facts }));
      yield;
    }
  };
  await inSlices(report());
  return { asked: name, about, virtualServers, more };
}

const idsOf = ({ checks }: RealServerSnapshot): CheckId[] => checks.flatMap(({ id }) => id ?? []);

interface Found {
  readonly config: VirtualServerConfig;
  readonly snapshot: VirtualServerSnapshot;
  readonly shown: readonly RealServerSnapshot[];
  readonly more: number;
  readonly servers: VirtualServerWhy["servers"];
}

/** Virtual servers of that name, or else of that address or mark, or else those that have a real or sorry server like that. */
class Search {
  readonly known: string[] = [];
  about: ServersWhy["about"] = "virtual-server";
  found: readonly Found[] = [];
  /** More virtual servers that have the real server. */
  others = 0;
  readonly #name: string;
  readonly #isMeant: (place: Place) => boolean;

  readonly #isMarkMeant: (mark: MarkPlace) => boolean;

  constructor(name: string) {
    this.#name = name;
    this.#isMeant = placeIn(name);
    this.#isMarkMeant = markIn(name);
  }

  *run(lvs: Asked): Generator<void> {
    const byAddress: Found[] = [];
    const byServer: Found[] = [];
    const bySorry: Found[] = [];
    let others = 0;
    for (const { config, snapshot } of lvs.virtualServers()) {
      yield;
      const key = virtualServerKey(config); // tells the families of a mark apart, which the log's name does not
      this.known.push(key);
      const isServer = (server: ServerPlace): boolean => this.#isMeant(placeOf(config, server));
      if (key === this.#name && config.service.kind !== "fwmark") {
        this.found = [yield* look(config, snapshot, isUnwell)];
        return;
      }
      if (yield* this.#isAt(config)) {
        if (byAddress.length < MOST_VIRTUAL_SERVERS) byAddress.push(yield* look(config, snapshot, isUnwell));
      } else if (config.realServers.some(isServer)) {
        if (byServer.length < MOST_VIRTUAL_SERVERS) byServer.push(yield* look(config, snapshot, isServer));
        else others += 1;
      } else if (config.sorryServer !== undefined && isServer(config.sorryServer)) {
        if (bySorry.length < MOST_VIRTUAL_SERVERS) bySorry.push(yield* look(config, snapshot, isUnwell));
      }
    }
    this.found = byAddress.length > 0 || byServer.length > 0 ? byAddress : bySorry;
    if (this.found.length > 0) return;
    this.about = "real-server";
    this.found = byServer;
    this.others = others;
  }

  /** In steps: a group may have thousands of entries. */
  *#isAt({ service, groupEntries = [] }: VirtualServerConfig): Generator<void, boolean> {
    if (service.kind === "address") return this.#isMeant({ ...service, protocol: service.protocol.toLowerCase() });
    if (service.kind === "fwmark") return this.#isMarkMeant(service);
    if (service.group === this.#name) return true;
    const protocol = service.protocol?.toLowerCase() ?? "none";
    for (const entry of groupEntries) {
      yield;
      const isMeant =
        entry.kind === "fwmark"
          ? this.#isMarkMeant(entry)
          : this.#isMeant({ address: entry.first, last: entry.last, port: entry.port, protocol });
      if (isMeant) return true;
    }
    return false;
  }
}

const isUnwell = (server: RealServerSnapshot): boolean => !isWell(server);

function* look(
  config: VirtualServerConfig,
  snapshot: VirtualServerSnapshot,
  isShown: (server: RealServerSnapshot) => boolean,
): Generator<void, Found> {
  const shown: RealServerSnapshot[] = [];
  let [total, up, held, more] = [0, 0, 0, 0];
  for (const server of snapshot.realServers) {
    total += 1;
    if (server.alive) up += 1;
    if (server.heldSince !== undefined) held += 1;
    if (isShown(server) && shown.length < MOST_REAL_SERVERS) shown.push(server);
    else if (isShown(server)) more += 1;
    yield;
  }
  return { config, snapshot, shown, more, servers: { total, up, held } };
}

type ServerPlace = Pick<RealServerConfig, "address" | "port">;

interface Place extends ServerPlace {
  /** Of a group's range, inclusive. */
  readonly last?: IpAddress;
  /** In small letters; `none` behind a firewall mark. */
  readonly protocol: string;
}

interface MarkPlace {
  readonly fwmark: number;
  readonly family: Family | undefined;
}

const placeOf = ({ service }: VirtualServerConfig, { address, port }: ServerPlace): Place => {
  const protocol = service.kind === "fwmark" ? "none" : (service.protocol?.toLowerCase() ?? "none");
  return { address, port, protocol };
};

/** `[10.0.0.1]:tcp:80` as in the log, `10.0.0.1:80`, `10.0.0.1 80`, `[2001:db8::1]:80` or an address alone, which is all of its ports. */
function placeIn(name: string): (place: Place) => boolean {
  const match = /^(?:\[([^\]]+)\]|([^[\] ]+?))(?::([a-z]+))?(?:[: ](\d+))?$/.exec(name.toLowerCase());
  const bare = parseIp(name);
  const address = bare ?? parseIp(match?.[1] ?? match?.[2] ?? "");
  if (address === undefined) return () => false;
  const [protocol, port] = bare === undefined ? [match?.[3], match?.[4]] : [];
  const isIn = ({ address: first, last = first }: Place): boolean =>
    first === address || last === address || (first !== last && isBetween(first, address, last));
  return (place) =>
    isIn(place) &&
    (protocol === undefined || place.protocol === protocol) &&
    (port === undefined || place.port === Number(port));
}

function isBetween(first: IpAddress, address: IpAddress, last: IpAddress): boolean {
  return familyOf(first) === familyOf(address) && compareIp(first, address) < 0 && compareIp(address, last) < 0;
}

/** `FWM 7` is that mark of both families, `FWM 7 inet6` that of one; `fwmark 7` as the configuration says it. */
function markIn(name: string): (mark: MarkPlace) => boolean {
  const match = /^(?:FWM|fwmark) (\d+)(?: (inet6?))?$/.exec(name);
  if (match === null) return () => false;
  const [, fwmark, family] = match;
  return (mark) => mark.fwmark === Number(fwmark) && (family === undefined || (mark.family ?? "inet") === family);
}

import { familyOf } from "../address.js";
import type { GlobalConfig } from "../config/model.js";
import type { CheckerTlsConfig, GroupEntry, VirtualServerGroupConfig } from "../config/model-lvs.js";
import { checkerLines } from "./check-lines.js";
import type { CheckDump, CheckerDump, ServerDump, ServiceDump } from "./checker-dump.js";
import { lines } from "./data-text.js";
import { globalData } from "./global-data.js";
import { realServerLines, serviceFamily, virtualServerLines } from "./service-lines.js";

/**
 * keepalived_check.data (SIGUSR1): configuration and health of the virtual servers, in keepalived's sections and words. Yields at
 * most one real server or check at a time, so that the caller can breathe in between.
 */
export function* checkData(global: GlobalConfig, dump: CheckerDump): Generator<string> {
  yield globalData(global);
  if (dump.tls !== undefined) yield lines(tlsLines(dump.tls));
  yield "------< LVS Topology >------\n";
  yield* groupSections(dump);
  for (const service of dump.services()) {
    yield lines(virtualServerLines(service, dump.inKernel));
    for (const server of service.realServers) yield lines(realServerLines(service, server, dump.trackFiles));
  }
  yield* checkerSection(dump);
  yield* trackFileSection(dump);
  yield* bfdSection(dump);
}

/** The password is nobody's business. */
function tlsLines({ password, caFile, certificateFile, keyFile }: CheckerTlsConfig): string[] {
  const rows = [
    ["Password", password === undefined ? undefined : "********"],
    ["CA-file", caFile],
    ["Certificate file", certificateFile],
    ["Key file", keyFile],
  ] as const;
  return [
    "------< SSL definitions >------",
    ...rows.flatMap(([name, value]) => (value === undefined ? [] : [` ${name} : ${value}`])),
  ];
}

/** How many virtual servers use an entry, by what they are. */
interface Users {
  tcp: number;
  udp: number;
  sctp: number;
  inet: number;
  inet6: number;
}

function* groupSections({ groups, services }: CheckerDump): Generator<string> {
  if (groups.length === 0) return;
  const users = new Map<string, Users>();
  for (const { config } of services()) {
    yield "";
    const { service } = config;
    if (service.kind !== "group") continue;
    const of = users.get(service.group) ?? { tcp: 0, udp: 0, sctp: 0, inet: 0, inet6: 0 };
    users.set(service.group, of);
    if (service.protocol !== undefined) of[lower[service.protocol]] += 1;
    const family = serviceFamily(config);
    if (family !== undefined) of[family] += 1;
  }
  for (const group of groups) {
    yield lines(groupTitle(group));
    for (const entry of group.entries) yield lines(entryLines(entry, users.get(group.name)));
  }
}

const lower = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const;

function groupTitle({ name, entries }: VirtualServerGroupConfig): string[] {
  const families = new Set(entries.map((entry) => (entry.kind === "fwmark" ? entry.family : familyOf(entry.first))));
  const has = (family: "inet" | "inet6"): string => (families.has(family) ? "yes" : "no");
  return [
    " ------< Virtual server group >------",
    ` Virtual Server Group = ${name}, IPv4 = ${has("inet")}, IPv6 = ${has("inet6")}`,
  ];
}

const families = { inet: "IPv4", inet6: "IPv6" } as const;

function entryLines(entry: GroupEntry, users: Users | undefined): string[] {
  const { tcp = 0, udp = 0, sctp = 0, inet = 0, inet6 = 0 } = users ?? {};
  if (entry.kind === "fwmark") {
    const family = entry.family === undefined ? "" : ` ${families[entry.family]}`;
    return [`   FWMARK = ${entry.fwmark}${family}`, `     Alive: ${inet} IPv4, ${inet6} IPv6`, "     reloaded = False"];
  }
  const { first, last, port } = entry;
  const title = first === last ? `VIP = ${first}` : `VIP Range = ${first}-${last}`;
  return [`   ${title}, VPORT = ${port}`, `     Alive: ${tcp} tcp, ${udp} udp, ${sctp} sctp`, "     reloaded = False"];
}

/** Those that follow files come last. */
function* checkerSection({ services }: CheckerDump): Generator<string> {
  let title = "------< Health checkers >------\n";
  let files = 0;
  for (const last of [false, true]) {
    if (last && files === 0) return;
    for (const { service, server, check, config } of checksOf(services())) {
      const isFile = config?.type === "FILE_CHECK";
      if (!last && isFile) files += 1;
      if (config === undefined || check === undefined || isFile !== last) yield "";
      else {
        yield `${title}${lines(checkerLines(service, server, config, check))}`;
        title = "";
      }
    }
  }
}

interface PlacedCheck {
  readonly service: ServiceDump;
  readonly server: ServerDump;
  readonly config: ServerDump["config"]["checks"][number] | undefined;
  readonly check: CheckDump | undefined;
}

/** One that has no check stands for a server that has none: walking a large farm takes time, too. */
function* checksOf(services: Iterable<ServiceDump>): Generator<PlacedCheck> {
  for (const service of services)
    for (const server of service.realServers) {
      const { checks } = server.config;
      if (checks.length === 0) yield { service, server, config: undefined, check: undefined };
      for (const [i, config] of checks.entries()) yield { service, server, config, check: server.checks[i] };
    }
}

function* trackFileSection({ services, trackFiles }: CheckerDump): Generator<string> {
  if (trackFiles.length === 0) return;
  const users = new Map<string, string[]>(trackFiles.map(({ config }) => [config.name, []]));
  for (const { service, server, config } of checksOf(services())) {
    yield "";
    if (config?.type !== "FILE_CHECK") continue;
    const file = trackFiles.find((candidate) => candidate.config.name === config.trackFile)?.config;
    const { weight = file?.weight ?? 1, reverse = file?.reverse ?? false } = config;
    const how = `weight ${weight}${reverse ? " reverse" : ""}`;
    users.get(config.trackFile)?.push(`     ${service.name} -> ${server.name}, ${how}`);
  }
  yield "------< Checker track files >------\n";
  for (const { config, status } of trackFiles)
    yield lines([
      ` Track file = ${config.name}`,
      `   File = ${config.path}`,
      `   Status = ${status}`,
      `   Weight = ${config.weight}${config.reverse ? " reverse" : ""}`,
      "   Tracking instances :",
      ...(users.get(config.name) ?? []),
    ]);
}

function* bfdSection({ services, bfds }: CheckerDump): Generator<string> {
  if (bfds.length === 0) return;
  const users = new Map<string, string[]>(bfds.map((name) => [name, []]));
  for (const { server, config } of checksOf(services())) {
    yield "";
    if (config?.type === "BFD_CHECK") users.get(config.name)?.push(`   ${server.name}`);
  }
  yield "------< Checker track BFDs >------\n";
  for (const [name, servers] of users) yield lines([` Checker Track BFD = ${name}`, "   Tracking RS :", ...servers]);
}

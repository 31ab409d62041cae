import type { GlobalConfig, VrrpInstanceConfig } from "../config/model.js";
import {
  commandData,
  cTimeFraction,
  enabled,
  lines,
  list,
  notifyScripts,
  seconds,
  weighted,
  yes,
} from "./data-text.js";
import { globalData } from "./global-data.js";
import {
  addressTexts,
  quotedCommand,
  routeTexts,
  trackedNames,
  type VrrpDump,
  type VrrpInstanceDump,
  type VrrpScriptDump,
} from "./vrrp-dump.js";
import { groupSection, staticSections, trackerSections } from "./vrrp-sections.js";

/** keepalived.data (SIGUSR1): read by people and by exporters' regular expressions. One piece per section or instance. */
export function* vrrpData(global: GlobalConfig, dump: VrrpDump): Generator<string> {
  yield globalData(global);
  yield* staticSections(dump);
  if (dump.instances.length > 0) yield "------< VRRP Topology >------\n";
  const groupOf = new Map((dump.groups ?? []).flatMap(({ config }) => config.members.map((m) => [m, config.name])));
  const priorities = global.instanceDefaults.notifyPriorityChanges;
  for (const instance of dump.instances)
    yield lines(instanceData(instance, groupOf.get(instance.config.name), priorities));
  yield* groupSection(dump);
  if (dump.scripts.length > 0) yield "------< VRRP Scripts >------\n";
  for (const script of dump.scripts) yield lines(scriptData(script, dump.instances));
  yield* trackerSections(dump);
}

function instanceData(instance: VrrpInstanceDump, group: string | undefined, priorities: boolean): string[] {
  const { config, live } = instance;
  const { vips, evips } = addressTexts(instance);
  const { routes, rules } = routeTexts(instance);
  return [
    ` VRRP Instance = ${config.name}`,
    `   VRRP Version = ${config.version}`,
    ...(config.family === "inet6" ? ["   Using Native IPv6"] : []),
    ...(group === undefined ? [] : [`   Sync group = ${group}`]),
    `   State = ${live.state}`,
    ...flagsData(config),
    `   Wantstate = ${live.wantState}`,
    "   Number of config faults = 0", // an instance with one is left out
    `   Number of interface and track script faults = ${live.faults}`,
    `   Number of track scripts init = ${live.scriptsWaiting ?? 0}`,
    `   Last transition = ${cTimeFraction(live.lastTransition)}`,
    ...(live.readTimeout === undefined ? [] : [`   Read timeout = ${cTimeFraction(live.readTimeout)}`]),
    `   Master down timer = ${Math.round(live.masterDownInterval * 1000)} usecs`,
    ...deviceData(instance),
    `   Using src_ip = ${live.sourceAddress ?? "(none)"}${config.sourceAddress === undefined ? "" : " (from configuration)"}`,
    ...timingData(config),
    `   Virtual Router ID = ${config.vrid}`,
    `   Priority = ${config.basePriority}`,
    `   Effective priority = ${live.effectivePriority}`,
    `   Total priority = ${live.effectivePriority}`,
    `   Advert interval = ${interval(config)}`,
    `   Accept = ${enabled(config.accept)}`,
    `   Preempt = ${enabled(config.preempt)}`,
    ...(config.preemptDelay > 0 ? [`   Preempt delay = ${seconds(config.preemptDelay)} secs`] : []),
    `   Promote_secondaries = ${enabled(config.extras.promoteSecondaries)}`,
    ...authenticationData(config),
    ...list(`   Virtual IP (${vips.length}):`, vips),
    ...list("   Virtual IP Excluded :", evips),
    ...unicastData(config),
    ...list("   Virtual Routes :", routes),
    ...list("   Virtual Rules :", rules),
    ...trackingData(instance),
    `   Using smtp notification = ${config.smtpAlert ? "yes" : "no"}`,
    `   Notify deleted = ${config.extras.notifyDeleted ? "Deleted" : "Fault"}`,
    ...notifyData(config),
    `   Notify priority changes = ${yes(config.extras.notifyPriorityChanges ?? priorities)}`,
  ];
}

/** What keepalived collects under this title, as far as the configuration says it. */
function flagsData({ unicastPeers }: VrrpInstanceConfig): string[] {
  return unicastPeers.length > 0 ? ["   Flags:", "     Using unicast"] : ["   Flags: none"];
}

/** Exporters take the interface of an instance from the second word after `Interface`. */
function deviceData({ config, live: { virtualDevice } }: VrrpInstanceDump): string[] {
  const { own, transmitBase } = config.virtualInterface;
  if (config.interface === "") return config.unicast.vrf === undefined ? [] : [`   VRF = ${config.unicast.vrf}`];
  if (virtualDevice === undefined || own === undefined) return [`   Interface = ${config.interface}`];
  const kind = own.kind === "vmac" ? "VMAC" : "IPVLAN";
  return [
    `   Use ${kind}, i/f name ${virtualDevice}, is_up = true, xmit_base = ${yes(transmitBase)}`,
    `   Interface = ${virtualDevice}, ${own.kind} on ${config.interface}${transmitBase ? ", xmit base i/f" : ""}`,
  ];
}

/** By the words of old_unicast_checksum. */
const checksums = { detect: "no", never: "never", always: "config" } as const;

function unicastData({ unicastPeers, unicast, family }: VrrpInstanceConfig): string[] {
  if (unicastPeers.length === 0) return [];
  const limits = (peer: string): string => {
    const { least, most } = unicast.ttlLimits.find((limit) => limit.peer === peer) ?? { least: 0, most: 255 };
    return `${peer} min_ttl ${least} max_ttl ${most}`;
  };
  return [
    ...(unicast.ttl === undefined && family === "inet6" ? [] : [`   Unicast TTL = ${unicast.ttl ?? 255}`]),
    `   Check unicast src : ${unicast.checkSource ? "yes" : "no"}`,
    ...list("   Unicast Peer :", unicastPeers.map(limits)),
    `   Unicast checksum compatibility = ${checksums[unicast.oldChecksum]}`,
  ];
}

function timingData({ garp, downTimerAdverts, lowerPrioNoAdvert, higherPrioSendAdvert }: VrrpInstanceConfig): string[] {
  return [
    `   Gratuitous ARP delay = ${seconds(garp.masterDelay)}`,
    `   Gratuitous ARP repeat = ${garp.masterRepeat}`,
    `   Gratuitous ARP refresh = ${seconds(garp.masterRefresh)}`,
    `   Gratuitous ARP refresh repeat = ${garp.masterRefreshRepeat}`,
    `   Gratuitous ARP lower priority delay = ${seconds(garp.lowerPrioDelay)}`,
    `   Gratuitous ARP lower priority repeat = ${garp.lowerPrioRepeat}`,
    `   Down timer adverts = ${downTimerAdverts}`,
    `   Send advert after receive lower priority advert = ${yes(!lowerPrioNoAdvert)}`,
    `   Send advert after receive higher priority advert = ${yes(higherPrioSendAdvert)}`,
  ];
}

function interval({ version, advertInterval }: VrrpInstanceConfig): string {
  return version === 2 ? `${advertInterval / 1000} sec` : `${advertInterval} milli-sec`;
}

function authenticationData({ version, authPass, wire }: VrrpInstanceConfig): string[] {
  if (version !== 2) return [];
  if (authPass === undefined) return ["   Authentication type = none"];
  return [`   Authentication type = ${wire.ah ? "IPSEC_AH" : "SIMPLE_PASSWORD"}`, "   Password = ********"];
}

function trackingData(instance: VrrpInstanceDump): string[] {
  const { config } = instance;
  const names = trackedNames(instance);
  const weights = (tracked: VrrpInstanceConfig["trackScripts"], wanted: readonly string[]): string[] =>
    wanted.map((name) => {
      const entry = tracked.find((candidate) => candidate.name === name);
      return `${name} weight ${entry?.weight ?? 0}${entry?.reverse === true ? " reverse" : ""}`;
    });
  return [
    ...list("   Tracked interfaces :", weights(config.trackInterfaces, names.interfaces)),
    ...list("   Tracked scripts :", weights(config.trackScripts, names.scripts)),
    ...list("   Tracked files :", config.track.files.map(weighted)),
    ...list("   Tracked processes :", config.track.processes.map(weighted)),
  ];
}

function notifyData({ notify, extras }: VrrpInstanceConfig): string[] {
  return [
    ...notifyScripts(notify),
    ...commandData("Deleted state transition script", extras.notifyDeletedScript),
    ...commandData("Generic state transition script", notify.all),
    ...commandData("Master rx lower pri state transition script", extras.notifyLowerPriority),
  ];
}

const scriptStatus = { init: "unknown", good: "GOOD", bad: "BAD" } as const;

function scriptData({ config, status, run, result }: VrrpScriptDump, instances: readonly VrrpInstanceDump[]): string[] {
  const tracking = instances.flatMap((instance) =>
    instance.config.trackScripts
      .filter(({ name }) => name === config.name)
      .map(({ weight }) => `${instance.config.name}, weight ${weight}`),
  );
  return [
    ` VRRP Script = ${config.name}`,
    `   Command = ${quotedCommand(config.command)}`,
    `   Interval = ${seconds(config.interval)} sec`,
    `   Timeout = ${seconds(config.timeout)} sec`,
    `   Weight = ${config.weight}${config.reverse ? " reverse" : ""}`,
    `   Rise = ${config.rise}`,
    `   Fall = ${config.fall}`,
    `   Result = ${result}`,
    "   Insecure = no",
    `   Status = ${scriptStatus[status]}`,
    `   Script uid:gid = ${config.command.user.uid}:${config.command.user.gid}`,
    ...list("   Tracking instances :", tracking),
    `   State = ${run}`,
  ];
}

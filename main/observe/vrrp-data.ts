import { familyOf, type IpAddress } from "../address.js";
import type { GlobalConfig, VrrpInstanceConfig } from "../config/model.js";
import type { SyncGroupConfig, VirtualInterface } from "../config/model-vrrp.js";
import {
  commandData,
  cTimeFraction,
  enabled,
  lines,
  list,
  notifyScripts,
  seconds,
  weighted,
  weightedBfd,
  wholeSeconds,
  yes,
} from "./data-text.js";
import { globalData } from "./global-data.js";
import { isUp, linkSection } from "./link-section.js";
import { trackerSections } from "./tracker-sections.js";
import {
  addressTexts,
  type LinkDump,
  routeTexts,
  trackedNames,
  type VrrpDump,
  type VrrpInstanceDump,
} from "./vrrp-dump.js";
import { garpSection, groupSection, staticSections } from "./vrrp-sections.js";

/** keepalived.data (SIGUSR1): read by people and by exporters' regular expressions. One piece per section or instance. */
export function* vrrpData(global: GlobalConfig, dump: VrrpDump): Generator<string> {
  yield globalData(global);
  yield* garpSection(dump);
  yield* staticSections(dump);
  if (dump.instances.length > 0) yield "------< VRRP Topology >------\n";
  const groupOf = new Map((dump.groups ?? []).flatMap(({ config }) => config.members.map((m) => [m, config])));
  const links = new Map((dump.links ?? []).map((link) => [link.name, link]));
  for (const instance of dump.instances) {
    const { config, live } = instance;
    const device = links.get(live.virtualDevice ?? config.interface);
    yield lines(instanceData(instance, groupOf.get(config.name), global, device));
  }
  yield* groupSection(dump);
  yield* trackerSections(dump);
  yield* linkSection(dump);
}

function instanceData(
  instance: VrrpInstanceDump,
  group: SyncGroupConfig | undefined,
  { instanceDefaults, vrrpMcastGroup4 }: GlobalConfig,
  device: LinkDump | undefined,
): string[] {
  const { config, live } = instance;
  const defaults = { inet: vrrpMcastGroup4, inet6: instanceDefaults.mcastGroup6 };
  const priorities = group?.notifyPriorityChanges ?? instanceDefaults.notifyPriorityChanges;
  const { vips, evips } = addressTexts(instance);
  const { routes, rules } = routeTexts(instance);
  return [
    ` VRRP Instance = ${config.name}`,
    `   VRRP Version = ${config.version}`,
    ...(group === undefined ? [] : [`   Sync group = ${group.name}`]),
    ...(config.family === "inet6" ? ["   Using Native IPv6"] : []),
    `   State = ${live.state}`,
    ...masterData(instance),
    ...flagsData(config),
    `   Wantstate = ${live.wantState}`,
    "   Number of config faults = 0", // an instance with one is left out
    `   Number of interface and track script faults = ${live.faults}`,
    `   Number of track scripts init = ${live.scriptsWaiting ?? 0}`,
    `   Last transition = ${cTimeFraction(live.lastTransition)}`,
    `   Read timeout = ${live.readTimeout === undefined ? "DISABLED" : cTimeFraction(live.readTimeout)}`,
    `   Master down timer = ${Math.round(live.masterDownInterval * 1000)} usecs`,
    ...deviceData(instance, device),
    ...(config.dontTrackPrimary ? ["   VRRP interface tracking disabled"] : []),
    ...(config.skipCheckAdvAddr ? ["   Skip checking advert IP addresses"] : []),
    ...(config.strict ? ["   Enforcing strict VRRP compliance"] : []),
    `   Using src_ip = ${live.sourceAddress ?? "(none)"}${config.sourceAddress === undefined ? "" : " (from configuration)"}`,
    ...multicastData(config, defaults[config.family], device),
    ...timingData(instance),
    `   Virtual Router ID = ${config.vrid}`,
    `   Priority = ${config.basePriority}`,
    `   Effective priority = ${live.effectivePriority}`,
    `   Total priority = ${live.effectivePriority}`,
    `   Advert interval = ${interval(config)}`,
    ...(isBackup3(instance) ? [`   Master advert interval = ${live.masterAdvertInterval} milli-sec`] : []),
    `   Accept = ${enabled(config.accept)}`,
    `   Preempt = ${enabled(config.preempt)}`,
    ...(config.preemptDelay > 0 ? [`   Preempt delay = ${seconds(config.preemptDelay)} secs`] : []),
    `   Promote_secondaries = ${enabled(config.extras.promoteSecondaries)}`,
    ...authenticationData(config),
    ...(config.extras.receiveBufferBytes === undefined
      ? []
      : [`   Kernel rx buffer size = ${config.extras.receiveBufferBytes}`]),
    ...(config.extras.debug === 0 ? [] : [`   Debug level = ${config.extras.debug}`]),
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

const isBackup3 = ({ config, live }: VrrpInstanceDump): boolean => config.version === 3 && live.state === "BACKUP";

/** Who a backup follows. */
function masterData(instance: VrrpInstanceDump): string[] {
  const { state, masterAddress, masterPriority, masterAdvertInterval } = instance.live;
  if (state !== "BACKUP") return [];
  return [
    `   Master router = ${masterAddress ?? "(none)"}`,
    `   Master priority = ${masterPriority}`,
    ...(isBackup3(instance) ? [`   Master advert int = ${(masterAdvertInterval / 1000).toFixed(2)} sec`] : []),
  ];
}

/** Many settings are flags for keepalived; only those of unicast have a line. */
function flagsData(config: VrrpInstanceConfig): string[] {
  const { unicastPeers, unicast, extras, excludedAddresses, family } = config;
  const isUnicast = unicastPeers.length > 0;
  const hasFlags =
    isUnicast ||
    unicast.faultWithoutPeer ||
    unicast.checkSource ||
    config.dontTrackPrimary ||
    extras.linkbeatPolling ||
    config.skipCheckAdvAddr ||
    config.sourceAddress !== undefined ||
    extras.promoteSecondaries ||
    excludedAddresses.some(({ address }) => familyOf(address) !== family) ||
    !config.preempt ||
    config.virtualInterface.own !== undefined ||
    config.virtualInterface.forAddresses;
  if (!hasFlags) return ["   Flags: none"];
  return [
    "   Flags:",
    ...(isUnicast ? ["     Using unicast"] : []),
    ...(!isUnicast && unicast.faultWithoutPeer ? ["     Unicast config option specified but using multicast"] : []),
    ...(unicast.faultWithoutPeer ? ["     If unicast go to fault state if no peers"] : []),
  ];
}

/** Exporters take the interface of an instance from the second word after `Interface`. */
function deviceData({ config, live: { virtualDevice } }: VrrpInstanceDump, device: LinkDump | undefined): string[] {
  const { own, forAddresses, transmitBase } = config.virtualInterface;
  const vrf = config.unicast.vrf === undefined ? [] : [`   VRF = ${config.unicast.vrf}`];
  const others = forAddresses ? ["   Use VMAC for VIPs on other interfaces"] : [];
  if (config.interface === "") return [...others, "   Interface = not configured", ...vrf];
  if (virtualDevice === undefined || own === undefined)
    return [...others, `   Interface = ${config.interface}`, ...vrf];
  const base = transmitBase ? ", xmit base i/f" : "";
  return [
    ...ownLinkData(own, virtualDevice, yes(device !== undefined && isUp(device)), transmitBase),
    ...others,
    `   Interface = ${virtualDevice}, ${own.kind} on ${config.interface}${base}`,
    ...vrf,
  ];
}

function ownLinkData(own: VirtualInterface, name: string, up: string, transmitBase: boolean): string[] {
  if (own.kind === "ipvlan") {
    const address = own.address === undefined ? "" : `, i/f address = ${own.address.address}/${own.address.prefix}`;
    return [`   Use IPVLAN, i/f ${name}, is_up = ${up}${address}, type ${own.mode}`];
  }
  return [`   Use VMAC, i/f name ${name}, is_up = ${up}, xmit_base = ${yes(transmitBase)}`];
}

function multicastData(config: VrrpInstanceConfig, usual: IpAddress, device: LinkDump | undefined): string[] {
  if (config.unicastPeers.length > 0) return [];
  const on = config.family === "inet6" ? `, ifindex ${device?.index ?? 0}` : "";
  return [`   Multicast address ${config.wire.group ?? usual}${on}`];
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

function timingData({ config, live: { garpExtra } }: VrrpInstanceDump): string[] {
  const { garp, downTimerAdverts, lowerPrioNoAdvert, higherPrioSendAdvert, extras } = config;
  const where = extras.garpExtra?.all === true ? "i/f" : "VMAC";
  return [
    `   Gratuitous ARP delay = ${wholeSeconds(garp.masterDelay)}`,
    `   Gratuitous ARP repeat = ${garp.masterRepeat}`,
    `   Gratuitous ARP refresh = ${wholeSeconds(garp.masterRefresh)}`,
    `   Gratuitous ARP refresh repeat = ${garp.masterRefreshRepeat}`,
    `   Gratuitous ARP lower priority delay = ${wholeSeconds(garp.lowerPrioDelay)}`,
    `   Gratuitous ARP lower priority repeat = ${garp.lowerPrioRepeat}`,
    `   Down timer adverts = ${downTimerAdverts}`,
    ...(garpExtra === undefined ? [] : [`   Gratuitous ARP for each secondary ${where} = ${wholeSeconds(garpExtra)}`]),
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
  if (wire.ah) return ["   Authentication type = IPSEC_AH"];
  return ["   Authentication type = SIMPLE_PASSWORD", "   Password = ********"];
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
    ...list("   Tracked BFDs :", config.track.bfds.map(weightedBfd)),
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

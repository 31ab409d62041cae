import type { GlobalConfig, VrrpInstanceConfig } from "../config/model.js";
import { cTime } from "./log-format.js";
import {
  addressTexts,
  quotedCommand,
  trackedNames,
  type VrrpDump,
  type VrrpInstanceDump,
  type VrrpScriptDump,
} from "./vrrp-dump.js";

/** keepalived.data (SIGUSR1): read by people and by exporters' regular expressions. One piece per section or instance. */
export function* vrrpData(global: GlobalConfig, dump: VrrpDump): Generator<string> {
  yield globalData(global);
  if (dump.instances.length > 0) yield "------< VRRP Topology >------\n";
  for (const instance of dump.instances) yield lines(instanceData(instance));
  if (dump.scripts.length > 0) yield "------< VRRP Scripts >------\n";
  for (const script of dump.scripts) yield lines(scriptData(script, dump.instances));
}

const lines = (all: readonly string[]): string => `${all.join("\n")}\n`;
const yes = (value: boolean): string => (value ? "true" : "false");
const enabled = (value: boolean): string => (value ? "enabled" : "disabled");
const seconds = (milliseconds: number): string => String(milliseconds / 1000);

/** First section of every .data file. */
export function globalData(global: GlobalConfig): string {
  const { mail } = global;
  return lines([
    "------< Global definitions >------",
    ` Router ID = ${global.routerId}`,
    ...(mail === undefined
      ? []
      : [
          ` Smtp server = ${mail.server}`,
          ` Smtp server port = ${mail.port}`,
          ` Smtp HELO name = ${mail.heloName}`,
          ` Smtp server connection timeout = ${seconds(mail.connectTimeout)}`,
          ` Email notification from = ${mail.from}`,
          " Email notification to:",
          ...mail.recipients.map((recipient) => `   ${recipient}`),
        ]),
    ` VRRP IPv4 mcast group = ${global.vrrpMcastGroup4}`,
    ` Gratuitous ARP interval = ${(global.vrrpGarpInterval / 1000).toFixed(6)}`,
    ` Gratuitous NA interval = ${(global.vrrpGnaInterval / 1000).toFixed(6)}`,
    ` VRRP default protocol version = ${global.vrrpVersion}`,
    ` VRRP skip check advert addresses = ${yes(global.vrrpSkipCheckAdvAddr)}`,
    ` VRRP strict mode = ${yes(global.vrrpStrict)}`,
    ` Script security ${enabled(global.enableScriptSecurity)}`,
  ]);
}

function instanceData(instance: VrrpInstanceDump): string[] {
  const { config, live } = instance;
  const { vips, evips } = addressTexts(instance);
  return [
    ` VRRP Instance = ${config.name}`,
    `   VRRP Version = ${config.version}`,
    ...(config.family === "inet6" ? ["   Using Native IPv6"] : []),
    `   State = ${live.state}`,
    `   Wantstate = ${live.wantState}`,
    `   Number of interface and track script faults = ${live.faults}`,
    `   Last transition = ${(live.lastTransition / 1000).toFixed(6)} (${cTime(live.lastTransition)})`,
    `   Master down timer = ${Math.round(live.masterDownInterval * 1000)} usecs`,
    `   Interface = ${config.interface}`,
    `   Using src_ip = ${live.sourceAddress ?? "(none)"}${config.sourceAddress === undefined ? "" : " (from configuration)"}`,
    ...timingData(config),
    `   Virtual Router ID = ${config.vrid}`,
    `   Priority = ${config.basePriority}`,
    `   Effective priority = ${live.effectivePriority}`,
    `   Advert interval = ${interval(config)}`,
    `   Accept = ${enabled(config.accept)}`,
    `   Preempt = ${enabled(config.preempt)}`,
    ...(config.preemptDelay > 0 ? [`   Preempt delay = ${seconds(config.preemptDelay)} secs`] : []),
    ...authenticationData(config),
    ...list(`   Virtual IP (${vips.length}):`, vips),
    ...list("   Virtual IP Excluded :", evips),
    ...list(
      "   Unicast Peer :",
      config.unicastPeers.map((peer) => peerData(config, peer)),
    ),
    ...trackingData(instance),
    `   Using smtp notification = ${config.smtpAlert ? "yes" : "no"}`,
    ...notifyData(config),
  ];
}

function peerData({ unicast }: VrrpInstanceConfig, peer: string): string {
  const limits = unicast.ttlLimits.find((limit) => limit.peer === peer);
  return limits === undefined ? peer : `${peer} min_ttl ${limits.least} max_ttl ${limits.most}`;
}

const list = (title: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [title, ...items.map((item) => `     ${item}`)];

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
  ];
}

const notifyNames = [
  ["Backup state transition script", "backup"],
  ["Master state transition script", "master"],
  ["Fault state transition script", "fault"],
  ["Stop state transition script", "stop"],
  ["Generic state transition script", "all"],
] as const;

function notifyData({ notify }: VrrpInstanceConfig): string[] {
  return notifyNames.flatMap(([title, key]) => {
    const command = notify[key];
    if (command === undefined) return [];
    return [`   ${title} = ${quotedCommand(command)}, uid:gid ${command.user.uid}:${command.user.gid}`];
  });
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

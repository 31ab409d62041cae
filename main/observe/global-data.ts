import type { GlobalConfig } from "../config/model.js";
import type { FifoConfig } from "../config/model-global.js";
import { enabled, lines, wholeSeconds, yes } from "./data-text.js";
import { bufferData, extraGarpData, filesData, filterData, hostData, processData } from "./global-host.js";
import { quotedCommand } from "./vrrp-dump.js";

/** First section of every .data file. */
export function globalData(global: GlobalConfig): string {
  const { mail, fifos, instanceDefaults: defaults, scripts } = global;
  const { names, reloads } = filesData(global);
  return lines([
    "------< Global definitions >------",
    ...names,
    ` Router ID = ${global.routerId}`,
    ...(mail === undefined
      ? []
      : [
          ` Smtp server = ${mail.server}`,
          ` Smtp server port = ${mail.port}`,
          ` Smtp HELO name = ${mail.heloName}`,
          ` Smtp server connection timeout = ${wholeSeconds(mail.connectTimeout)}`,
          ` Email notification from = ${mail.from}`,
          " Email notification to:",
          ...mail.recipients.map((recipient) => `   ${recipient}`),
        ]),
    ...reloads,
    ...hostData(global),
    ...fifoData("Global", fifos.all),
    ...fifoData("VRRP", fifos.vrrp),
    ...fifoData("LVS", fifos.lvs),
    ` FIFO write vrrp states on reload = ${yes(fifos.statesOnReload)}`,
    ` VRRP notify priority changes = ${yes(defaults.notifyPriorityChanges)}`,
    ` VRRP IPv4 mcast group = ${global.vrrpMcastGroup4}`,
    ` VRRP IPv6 mcast group = ${defaults.mcastGroup6}`,
    ` Gratuitous ARP delay = ${wholeSeconds(defaults.garp.masterDelay)}`,
    ` Gratuitous ARP repeat = ${defaults.garp.masterRepeat}`,
    ` Gratuitous ARP refresh timer = ${wholeSeconds(defaults.garp.masterRefresh)}`,
    ` Gratuitous ARP refresh repeat = ${defaults.garp.masterRefreshRepeat}`,
    ` Gratuitous ARP lower priority delay = ${wholeSeconds(defaults.garp.lowerPrioDelay)}`,
    ` Gratuitous ARP lower priority repeat = ${defaults.garp.lowerPrioRepeat}`,
    ` Num adverts before down = ${defaults.downTimerAdverts}`,
    ...extraGarpData(global),
    ` Send advert after receive lower priority advert = ${yes(defaults.lowerPrioNoAdvert !== true)}`,
    ` Send advert after receive higher priority advert = ${yes(defaults.higherPrioSendAdvert)}`,
    ` Gratuitous ARP interval = ${(global.vrrpGarpInterval / 1000).toFixed(6)}`,
    ` Gratuitous NA interval = ${(global.vrrpGnaInterval / 1000).toFixed(6)}`,
    ` VRRP default protocol version = ${global.vrrpVersion}`,
    ...filterData(global),
    ` VRRP check unicast_src = ${yes(defaults.checkUnicastSource)}`,
    ` VRRP skip check advert addresses = ${yes(global.vrrpSkipCheckAdvAddr)}`,
    ` VRRP strict mode = ${yes(global.vrrpStrict)}`,
    ...processData(global),
    ` Script security ${enabled(global.enableScriptSecurity)}`,
    ...(scripts.user === undefined ? [] : [` Default script uid:gid ${scripts.user.uid}:${scripts.user.gid}`]),
    ...bufferData(global),
  ]);
}

function fifoData(whose: string, { path, owner, script }: FifoConfig): string[] {
  if (path === undefined) return [];
  const reader = script && `${quotedCommand(script)} '${path}', uid:gid ${script.user.uid}:${script.user.gid}`;
  return [
    ` ${whose} notify fifo = ${path}, uid:gid ${owner?.uid ?? 0}:${owner?.gid ?? 0}`,
    ...(reader === undefined ? [] : [` ${whose} notify fifo script = ${reader}`]),
  ];
}

import type {
  CheckTarget,
  CheckTiming,
  Config,
  RealServerConfig,
  ScriptCommand,
  VirtualServerConfig,
} from "../../../main/config/model.js";
import type { ServerCheckConfig } from "../../../main/config/model-checks.js";
import { quotedCommand } from "../../../main/observe/vrrp-dump.js";
import type { Meaning } from "./data-file.js";

/** What our configuration says of services, real servers and checks, in the names and values of lvs-keepalived.ts. */
export function meaningOfConfig({ virtualServers }: Config): Meaning {
  const meaning = new Map<string, string>();
  for (const service of virtualServers) addService(service, meaning);
  return meaning;
}

type Service = VirtualServerConfig;
type Values = Readonly<Record<string, string | number | undefined>>;

const onOff = (value: boolean): string => (value ? "ON" : "OFF");
const yesNo = (value: boolean): string => (value ? "yes" : "no");
const enabled = (value: boolean): string => (value ? "enabled" : "disabled");
const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(6);
const microseconds = (milliseconds: number): number => Math.round(milliseconds * 1000);
const command = (script: ScriptCommand | undefined): string | undefined =>
  script && `${quotedCommand(script)}, uid:gid ${script.user.uid}:${script.user.gid}`;

function addService(config: Service, meaning: Map<string, string>): void {
  const { ipvs, sorryServer } = config;
  const name = serviceName(config.service);
  put(meaning, name, {
    scheduler: config.scheduler,
    delay_loop: seconds(config.delayLoop),
    "flag 1": enabled(ipvs.flag1),
    "flag 2": enabled(ipvs.flag2),
    ops: enabled(ipvs.onePacket),
    persistence: config.persistenceTimeoutSeconds || undefined,
    granularity: config.persistenceGranularity,
    alpha: onOff(config.alpha),
    omega: onOff(config.omega),
    quorum: config.quorum,
    hysteresis: config.hysteresis,
    quorum_up: command(config.quorumUp),
    quorum_down: command(config.quorumDown),
    smtp_alert: yesNo(config.smtpAlert),
    sorry_server: sorryServer?.address,
    "sorry_server method": sorryServer && ipvs.sorryForwarding.method,
  });
  for (const server of config.realServers) addServer(`${name} > ${server.address} ${server.port}`, server, meaning);
}

function serviceName(service: Service["service"]): string {
  if (service.kind === "fwmark") return `FWM ${service.fwmark}`;
  if (service.kind === "group") return `[${service.group}]:${service.ordinal}`;
  return `[${service.address}]:${service.protocol.toLowerCase()}:${service.port}`;
}

function addServer(name: string, config: RealServerConfig, meaning: Map<string, string>): void {
  const { forwarding, lowerThreshold, upperThreshold } = config.ipvs;
  put(meaning, name, {
    weight: config.weight,
    method: forwarding.method,
    thresholds: `${lowerThreshold} -> ${upperThreshold}`,
    inhibit_on_failure: onOff(config.inhibitOnFailure),
    notify_up: command(config.notifyUp),
    notify_down: command(config.notifyDown),
    smtp_alert: yesNo(config.smtpAlert),
  });
  const counts = new Map<string, number>();
  for (const check of config.checks) {
    const count = (counts.get(check.type) ?? 0) + 1;
    counts.set(check.type, count);
    put(meaning, `${name} > ${check.type}${count === 1 ? "" : ` ${count}`}`, checkValues(check));
  }
}

function checkValues(check: ServerCheckConfig): Values {
  switch (check.type) {
    case "TCP_CHECK":
    case "PING_CHECK":
    case "UDP_CHECK":
      return { ...timing(check.timing), ...target(check.target, check.timing) };
    case "SMTP_CHECK":
      return { ...timing(check.timing), ...target(check.target, check.timing), helo_name: check.heloName };
    case "DNS_CHECK":
      return { ...timing(check.timing), ...target(check.target, check.timing), "dns type": check.queryType };
    case "HTTP_GET":
    case "SSL_GET":
      return {
        ...timing(check.timing),
        ...target(check.target, check.timing),
        http_protocol: check.httpProtocol,
        enable_sni: check.enableSni ? "set" : "unset",
        fast_recovery: check.fastRecovery ? "set" : "unset",
        urls: check.urls.map(({ path }) => path).join(" "),
      };
    case "MISC_CHECK":
      return {
        ...timing(check.timing),
        misc_path: quotedCommand(check.command),
        misc_dynamic: check.dynamic ? "YES" : "NO",
        user: `${check.command.user.uid}:${check.command.user.gid}`,
      };
    case "FILE_CHECK":
      return { track_file: check.trackFile, log_all_failures: "no" };
    case "BFD_CHECK":
      return { alpha: yesNo(check.timing.alpha), log_all_failures: "no" };
  }
}

const timing = (config: CheckTiming): Values => ({
  alpha: yesNo(config.alpha),
  delay_loop: microseconds(config.delayLoop),
  warmup: microseconds(config.warmup),
  retry: config.retry,
  // keepalived shows no pause where it never tries again.
  delay_before_retry: config.retry === 0 ? undefined : microseconds(config.delayBeforeRetry),
  log_all_failures: yesNo(config.logAllFailures),
});

const target = (config: CheckTarget, { connectTimeout }: CheckTiming): Values => ({
  target: `[${config.address}]:${config.port}`,
  bindto: config.bindAddress,
  bind_if: config.bindInterface,
  fwmark: config.fwmark || undefined,
  connect_timeout: seconds(connectTimeout),
});

function put(meaning: Map<string, string>, subject: string, values: Values): void {
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) meaning.set(`${subject}: ${name}`, String(value));
}

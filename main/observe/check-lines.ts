import type { CheckTarget, HttpCheckConfig, HttpUrlConfig } from "../config/model.js";
import type { MiscCheckConfig, ServerCheckConfig, UdpCheckConfig } from "../config/model-checks.js";
import type { CheckDump, ServerDump, ServiceDump } from "./checker-dump.js";
import { quotedCommand } from "./vrrp-dump.js";

/** A check in the section "Health checkers" of keepalived_check.data. */

const yes = (value: boolean): string => (value ? "yes" : "no");
const microseconds = (milliseconds: number): string => `${Math.round(milliseconds * 1000)} us`;

export function checkerLines(
  { name: virtualServer, rests }: ServiceDump,
  { name }: ServerDump,
  config: ServerCheckConfig,
  check: CheckDump,
): string[] {
  return [
    ` ${virtualServer} -> ${name}`,
    `   Enabled = ${yes(!(rests && config.type !== "FILE_CHECK" && config.type !== "BFD_CHECK"))}`,
    `   Up = ${yes(check.up)}`,
    `   Has run = ${yes(check.hasRun)}`,
    `   Current weight = ${check.delta}`,
    ...timingLines(config),
    ...("target" in config ? connectionLines(config.target, config.timing.connectTimeout) : []),
    ...kindLines(config, check),
  ];
}

function timingLines(config: ServerCheckConfig): string[] {
  if (config.type === "FILE_CHECK") return ["   Log all failures = no"];
  const { timing } = config;
  const times =
    config.type === "BFD_CHECK"
      ? []
      : [
          `   Delay loop = ${microseconds(timing.delayLoop)}`,
          `   Warmup = ${microseconds(timing.warmup)}`,
          `   Retries = ${timing.retry}`,
          ...(timing.retry === 0 ? [] : [`   Delay before retry = ${microseconds(timing.delayBeforeRetry)}`]),
          `   Default delay before retry = ${microseconds(delayBeforeRetry[config.type])}`,
        ];
  return [`   Alpha = ${yes(timing.alpha)}`, ...times, `   Log all failures = ${yes(timing.logAllFailures)}`];
}

/** keepalived.conf(5), delay_before_retry; of DNS it is the delay_loop. */
const delayBeforeRetry = {
  TCP_CHECK: 1000,
  HTTP_GET: 3000,
  SSL_GET: 3000,
  SMTP_CHECK: 1000,
  DNS_CHECK: 0,
  UDP_CHECK: 1000,
  PING_CHECK: 1000,
  MISC_CHECK: 1000,
} as const;

function connectionLines(target: CheckTarget, timeout: number): string[] {
  const { address, port, bindAddress, bindPort = 0, bindInterface, fwmark } = target;
  return [
    "   Connection",
    `     Dest = [${address}]:${port}`,
    ...(bindAddress === undefined ? [] : [`     Bind to = [${bindAddress}]:${bindPort}`]),
    ...(bindInterface === undefined ? [] : [`     Bind i/f = ${bindInterface}`]),
    ...(fwmark === 0 ? [] : [`     Mark = ${fwmark}`]),
    `     Timeout = ${(timeout / 1000).toFixed(6)}`,
  ];
}

function kindLines(config: ServerCheckConfig, { lastStatus }: CheckDump): string[] {
  const title = `   Keepalive method = ${config.type}`;
  switch (config.type) {
    case "TCP_CHECK":
    case "PING_CHECK":
      return [title];
    case "HTTP_GET":
    case "SSL_GET":
      return httpLines(config);
    case "SMTP_CHECK":
      return [title, `   helo = ${config.heloName}`];
    case "DNS_CHECK":
      return [title, `   Type = ${config.queryType}`, `   Name = ${config.name}`];
    case "UDP_CHECK":
      return [title, ...udpLines(config)];
    case "MISC_CHECK":
      return [title, ...miscLines(config, lastStatus)];
    case "FILE_CHECK":
      return [title, `     Tracked file = ${config.trackFile}`, "     Reloaded = No"];
    case "BFD_CHECK":
      return [title, `   Name = ${config.name}`, `   Alpha is ${config.timing.alpha ? "ON" : "OFF"}`];
  }
}

function httpLines(config: HttpCheckConfig): string[] {
  const { type, httpProtocol, enableSni, sniName, fastRecovery, urls } = config;
  return [
    `   Keepalive method = ${type}, http protocol ${httpProtocol}`,
    `   Enable SNI ${enableSni ? "" : "un"}set`,
    ...(sniName === undefined ? [] : [`   SNI name = ${sniName}`]),
    `   Fast recovery ${fastRecovery ? "" : "un"}set`,
    ...urls.flatMap(urlLines),
  ];
}

function urlLines({ path, host, digest, statusCodes, body }: HttpUrlConfig): string[] {
  return [
    `   Checked url = ${path}`,
    ...(digest === undefined ? [] : [`     digest = ${digest}`]),
    "     HTTP Status Code(s)",
    ...statusCodes.map(({ from, to }) => `       ${from === to ? from : `${from}-${to}`}`),
    `     Virtual host = ${host}`,
    ...(body === undefined ? [] : patternLines(body)),
  ];
}

function patternLines(body: NonNullable<HttpUrlConfig["body"]>): string[] {
  const { pattern, options, noMatch, minOffset, maxOffset, stack } = body;
  const offsets = maxOffset === undefined ? `${minOffset}` : `${minOffset}, max_offset = ${maxOffset}`;
  return [
    `     Regex = "${pattern}"`,
    ...(noMatch ? ["     Regex no match"] : []),
    ...(minOffset > 0 || maxOffset !== undefined ? [`     Regex min offset = ${offsets}`] : []),
    `     Regex options:${options.map((option) => ` ${option}`).join("")}`,
    ...(stack === undefined ? [] : [`     Regex stack start ${stack.start}, max ${stack.max}`]),
  ];
}

function udpLines({ payload, requireReply, reply = "", minReplyLength, maxReplyLength }: UdpCheckConfig): string[] {
  return [
    payload === undefined ? "   Payload specified = no" : `   Payload len = ${payload.length / 2}`,
    `   Require reply = ${yes(requireReply)}`,
    ...(requireReply
      ? [
          `     Min reply length = ${minReplyLength}`,
          `     Max reply length = ${maxReplyLength}`,
          `     Reply data len = ${reply.length / 2}`,
          ...(reply === "" ? [] : [`     Reply data mask = ${yes(reply.includes("x"))}`]),
        ]
      : []),
  ];
}

function miscLines(
  { command, timeout, inheritsTimeout, dynamic }: MiscCheckConfig,
  lastStatus: number | undefined,
): string[] {
  return [
    `   script = ${quotedCommand(command)}`,
    `   timeout = ${inheritsTimeout ? 0 : timeout / 1000}`,
    `   dynamic = ${dynamic ? "YES" : "NO"}`,
    `   uid:gid = ${command.user.uid}:${command.user.gid}`,
    ...(lastStatus === undefined ? [] : [`   Last status = ${lastStatus}`]),
  ];
}

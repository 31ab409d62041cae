import type { VrrpDump, VrrpStats } from "./vrrp-dump.js";

/** keepalived.stats (SIGUSR2). Yields one piece per instance. A value that is no integer aborts exporters. */
export function* vrrpStats(dump: VrrpDump): Generator<string> {
  for (const { config, live } of dump.instances) yield instanceStats(config.name, live.stats);
}

/** The extension errors belong to auth_hmac. */
function instanceStats(name: string, s: VrrpStats): string {
  return [
    `VRRP Instance: ${name}`,
    ...section("Advertisements", [
      ["Received", s.advertRcvd],
      ["Sent", s.advertSent],
    ]),
    `  Became master: ${s.becomeMaster}`,
    `  Released master: ${s.releaseMaster}`,
    ...section("Packet Errors", [
      ["Length", s.packetLenErr],
      ["TTL", s.ipTtlErr],
      ["Invalid Type", s.invalidTypeRcvd],
      ["Advertisement Interval", s.advertIntervalErr],
      ["Address List", s.addrListErr],
    ]),
    ...section("Authentication Errors", [
      ["Invalid Type", s.invalidAuthtype],
      ["Type Mismatch", s.authtypeMismatch],
      ["Failure", s.authFailure],
    ]),
    ...section("Authentication Extension Errors", [
      ["Missing", s.authExtMissing],
      ["Malformed", s.authExtMalformed],
      ["Unknown Key", s.authExtUnknownKey],
      ["Invalid HMAC", s.authExtInvalidHmac],
      ["Stale", s.authExtStale],
      ["Replay", s.authExtReplay],
    ]),
    ...section("Priority Zero", [
      ["Received", s.priZeroRcvd],
      ["Sent", s.priZeroSent],
    ]),
    "",
  ].join("\n");
}

function section(title: string, counters: readonly (readonly [string, number])[]): string[] {
  return [`  ${title}:`, ...counters.map(([name, value]) => `    ${name}: ${value}`)];
}

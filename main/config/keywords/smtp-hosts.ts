import type { ConnectionDraft } from "./connection.js";
import type { SmtpCheckDraft } from "./other-checks.js";

/**
 * `host { }` of SMTP_CHECK, as Debian's keepalived 2.2.7 has it: each block is one more checker with a connection of its own. The
 * checker itself connects too where it says to what, or has no such block. Times are common to all, wherever they stand.
 */

/** A block `host` has ended. */
export function addSmtpHost(draft: SmtpCheckDraft, host: ConnectionDraft): void {
  const {
    at,
    serverAddress,
    connectIp,
    connectPort,
    bindTo,
    bindPort,
    bindInterface,
    fwmark,
    connectTimeout,
    ...times
  } = host;
  Object.assign(draft, times);
  const hosts = draft.hosts ?? [];
  draft.hosts = hosts;
  hosts.push(host);
}

/** All that the checker stands for, each of them without hosts. */
export function smtpCheckers(draft: SmtpCheckDraft): readonly SmtpCheckDraft[] {
  const { hosts, connectIp, connectPort, bindTo, bindPort, bindInterface, fwmark, connectTimeout, ...common } = draft;
  if (hosts === undefined) return [draft];
  const own = { connectIp, connectPort, bindTo, bindPort, bindInterface, fwmark };
  const saysWhere = Object.values(own).some((said) => said !== undefined);
  const { hosts: _, ...itself } = draft;
  const others = hosts.map((host) => {
    const timeout = host.connectTimeout ?? connectTimeout;
    return { ...common, ...host, ...(timeout === undefined ? {} : { connectTimeout: timeout }) };
  });
  return saysWhere ? [itself, ...others] : others;
}

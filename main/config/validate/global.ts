import { ms, port } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { GlobalConfig, MailConfig } from "../model.js";
import type { ConfigHost } from "../ports.js";

/** Fills in the defaults of `global_defs`. */
export function finishGlobal(draft: GlobalDraft, host: ConfigHost, diagnostics: Diagnostics): GlobalConfig {
  return {
    routerId: draft.routerId ?? host.hostName,
    mail: finishMail(draft, host, diagnostics),
    vrrpVersion: draft.vrrpVersion ?? 2,
    vrrpStrict: draft.vrrpStrict ?? false,
    vrrpSkipCheckAdvAddr: draft.skipCheckAdvAddr ?? false,
    vrrpMcastGroup4: draft.mcastGroup4 ?? "224.0.0.18",
    vrrpGarpInterval: draft.garpInterval ?? ms(0),
    vrrpGnaInterval: draft.gnaInterval ?? ms(0),
    vrrpIptables: draft.iptables,
    enableScriptSecurity: draft.enableScriptSecurity ?? false,
    lvsReconcile: draft.lvsReconcile ?? "presence",
  };
}

/** keepalived.conf(5): no mail at all without a recipient or without a server. */
function finishMail(draft: GlobalDraft, host: ConfigHost, diagnostics: Diagnostics): MailConfig | undefined {
  const { notificationEmail: recipients, smtpServer } = draft;
  if (recipients.length === 0 || smtpServer === undefined) {
    if ((recipients.length === 0) !== (smtpServer === undefined)) {
      const missing = recipients.length === 0 ? "notification_email" : "smtp_server";
      diagnostics.warn("CFG_ADVICE", undefined, `no mail is sent: ${missing} is missing in global_defs`);
    }
    return undefined;
  }
  const user = host.userName(host.effectiveUid) ?? "root";
  return {
    recipients: [...new Set(recipients)],
    from: draft.notificationEmailFrom ?? `${user}@${host.hostName}`,
    server: smtpServer.host,
    port: port(smtpServer.port),
    connectTimeout: draft.smtpConnectTimeout ?? ms(30_000),
    heloName: draft.smtpHeloName ?? (host.hostName || "localhost"),
  };
}

import type { IpAddress } from "../../address.js";
import { integer, switchArg, text } from "../args.js";
import { keywordsFor, type Scope, type ScriptLine } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { type CheckDraft, type HttpCheckDraft, httpGetScope, sslGetScope, tcpCheckScope } from "./checks.js";
import { later } from "./later.js";
import { type TimingDraft, timingKeywords } from "./timing.js";

/** What one `real_server` block said. */
export interface RealServerDraft extends TimingDraft {
  readonly at: SourcePosition;
  readonly address: IpAddress;
  /** Undefined: the port of the service. */
  readonly port: number | undefined;
  weight?: number;
  inhibitOnFailure?: boolean;
  alpha?: boolean;
  virtualhost?: string;
  smtpAlert?: boolean;
  notifyUp?: ScriptLine;
  notifyDown?: ScriptLine;
  readonly checks: (CheckDraft | HttpCheckDraft)[];
}

const keyword = keywordsFor<RealServerDraft>();
const SOURCE = "keepalived.conf(5) real_server";

function onOff(field: "inhibitOnFailure" | "alpha" | "smtpAlert", doc: string) {
  return keyword.value({
    args: [switchArg],
    apply: (draft, [on]) => {
      draft[field] = on;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc,
  });
}

function httpCheck(type: "HTTP_GET" | "SSL_GET", scope: Scope<HttpCheckDraft>, doc: string) {
  return keyword.block({
    shape: "{ url { path ... } ... }",
    enter: (draft, _header, { at }, read) => {
      const check: HttpCheckDraft = { type, at, urls: [] };
      read(scope, check);
      draft.checks.push(check);
    },
    source: "keepalived.conf(5)",
    doc,
  });
}

export const realServerScope: Scope<RealServerDraft> = {
  name: "real_server",
  keywords: {
    ...timingKeywords<RealServerDraft>(1),
    weight: keyword.value({
      args: [integer(0, 0x7fff_ffff)],
      apply: (draft, [weight]) => {
        draft.weight = weight;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: SOURCE,
      doc: "Initial weight; the virtual server's by default.",
    }),
    inhibit_on_failure: onOff("inhibitOnFailure", "Weight 0 on failure instead of removal."),
    alpha: onOff("alpha", "Down until the first success."),
    smtp_alert: onOff("smtpAlert", "Mail on changes (on)."),
    virtualhost: keyword.value({
      args: [text],
      apply: (draft, [name]) => {
        draft.virtualhost = name;
      },
      onInvalid: "ignore",
      repeat: "last-wins-reported",
      missing: "virtualhost missing - ignoring",
      source: SOURCE,
      doc: "Host header of this server's checks.",
    }),
    notify_up: keyword.script({
      apply: (draft, script) => {
        draft.notifyUp = script;
      },
      source: SOURCE,
      doc: "Script run when the server goes up.",
    }),
    notify_down: keyword.script({
      apply: (draft, script) => {
        draft.notifyDown = script;
      },
      source: SOURCE,
      doc: "Script run when the server goes down.",
    }),
    TCP_CHECK: keyword.block({
      shape: "{ ... }",
      enter: (draft, _header, { at }, read) => {
        const check: CheckDraft = { type: "TCP_CHECK", at };
        read(tcpCheckScope, check);
        draft.checks.push(check);
      },
      source: "keepalived.conf(5)",
      doc: "Checks that a connection opens.",
    }),
    HTTP_GET: httpCheck("HTTP_GET", httpGetScope, "Checks pages over HTTP."),
    SSL_GET: httpCheck("SSL_GET", sslGetScope, "Checks pages over TLS."),
  },
  later: later.real_server,
};

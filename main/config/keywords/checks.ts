import type { IpAddress } from "../../address.js";
import { choice, integer, ipArg, optional, switchArg, text } from "../args.js";
import { type Keyword, keywordsFor, type Scope } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { later } from "./later.js";
import { type CheckTimingDraft, checkTimingKeywords } from "./timing.js";
import { type UrlDraft, urlScope } from "./url.js";

/** What one checker block said. */
export interface CheckDraft extends CheckTimingDraft {
  readonly type: "TCP_CHECK" | "HTTP_GET" | "SSL_GET";
  readonly at: SourcePosition;
  connectIp?: IpAddress;
  connectPort?: number;
  bindTo?: IpAddress;
  bindPort?: number;
}

export interface HttpCheckDraft extends CheckDraft {
  readonly type: "HTTP_GET" | "SSL_GET";
  readonly urls: UrlDraft[];
  virtualhost?: string;
  httpProtocol?: "1.0" | "1.0C" | "1.1";
  enableSni?: boolean;
  sniName?: string;
  fastRecovery?: boolean;
}

function targetKeywords<Draft extends CheckDraft>() {
  const keyword = keywordsFor<Draft>();
  const source = "keepalived.conf(5) TCP_CHECK";
  const address = (field: "connectIp" | "bindTo", doc: string) =>
    keyword.value({
      args: [ipArg()],
      apply: (draft, [value]) => {
        draft[field] = value;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source,
      doc,
    });
  const port = (field: "connectPort" | "bindPort", doc: string) =>
    keyword.value({
      args: [integer(1, 65535)],
      apply: (draft, [value]) => {
        draft[field] = value;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source,
      doc,
    });
  return {
    connect_ip: address("connectIp", "Address to check; the real server's by default."),
    connect_port: port("connectPort", "Port to check; the real server's by default."),
    bindto: address("bindTo", "Source address of the check."),
    bind_port: port("bindPort", "Source port of the check."),
  } as const satisfies Record<string, Keyword<Draft>>;
}

export const tcpCheckScope: Scope<CheckDraft> = {
  name: "TCP_CHECK",
  keywords: { ...targetKeywords<CheckDraft>(), ...checkTimingKeywords<CheckDraft>() },
  later: later.TCP_CHECK,
};

const keyword = keywordsFor<HttpCheckDraft>();
const SOURCE = "keepalived.conf(5) HTTP_GET";

const httpKeywords = {
  url: keyword.block({
    shape: "{ path ... }",
    enter: (draft, _header, { at, diagnostics }, read) => {
      const url: UrlDraft = { at, statusCodes: [] };
      read(urlScope, url);
      if (url.path !== undefined) draft.urls.push(url);
      else diagnostics.error("CFG_INCOMPLETE", at, "url without a path - ignoring it", "write: url { path / }");
    },
    source: SOURCE,
    doc: "One page to fetch; may be repeated.",
  }),
  virtualhost: keyword.value({
    args: [text],
    apply: (draft, [name]) => {
      draft.virtualhost = name;
    },
    onInvalid: "ignore",
    repeat: "last-wins-reported",
    missing: "virtualhost missing - ignoring",
    source: SOURCE,
    doc: "Host header of all urls.",
  }),
  http_protocol: keyword.value({
    args: [choice("1.0", "1.0C", "1.0c", "1.1")],
    apply: (draft, [version]) => {
      draft.httpProtocol = version === "1.0c" ? "1.0C" : version;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    missing: "http_protocol missing - ignoring",
    source: SOURCE,
    doc: "Version of HTTP (1.0); 1.0C adds Connection: close.",
  }),
  enable_sni: onOff("enableSni", "Sends a server name in the TLS handshake."),
  sni_name: keyword.value({
    args: [optional(text, undefined)],
    apply: (draft, [name]) => {
      draft.enableSni = true;
      if (name !== undefined) draft.sniName = name;
    },
    onInvalid: "ignore",
    repeat: "last-wins-reported",
    source: SOURCE,
    doc: "Server name for the TLS handshake; also enables it.",
  }),
  fast_recovery: onOff("fastRecovery", "All urls are checked without waiting at the start and on recovery."),
} as const;

function onOff(field: "enableSni" | "fastRecovery", doc: string) {
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

const httpScope = (name: "HTTP_GET" | "SSL_GET"): Scope<HttpCheckDraft> => ({
  name,
  keywords: { ...targetKeywords<HttpCheckDraft>(), ...checkTimingKeywords<HttpCheckDraft>(), ...httpKeywords },
  later: later[name],
});

export const httpGetScope = httpScope("HTTP_GET");
export const sslGetScope = httpScope("SSL_GET");

import { choice, optional, switchArg, text } from "../args.js";
import { keywordsFor, type Scope } from "../keyword.js";
import { type ClosingDraft, closeWith, connectionKeywords } from "./connection.js";
import { oldRetry } from "./timing.js";
import { httpUrlScope, sslUrlScope, type UrlDraft } from "./url.js";

/** What one HTTP_GET or SSL_GET block said. */
export interface HttpCheckDraft extends ClosingDraft {
  readonly type: "HTTP_GET" | "SSL_GET";
  readonly urls: UrlDraft[];
  virtualhost?: string;
  httpProtocol?: "1.0" | "1.0C" | "1.1";
  enableSni?: boolean;
  sniName?: string;
  fastRecovery?: boolean;
  tlsCompliant?: boolean;
  sessionResumption?: boolean;
}

const keyword = keywordsFor<HttpCheckDraft>();

const url = (body: Scope<UrlDraft>) =>
  keyword.block({
    shape: "",
    body,
    open: (_draft, _header, { at }): UrlDraft => ({ at, statusCodes: [] }),
    close: (draft, made, { at, diagnostics }) => {
      if (made.path !== undefined) draft.urls.push(made);
      else diagnostics.error("CFG_INCOMPLETE", at, "url without a path - ignoring it", "write: url { path / }");
    },
    doc: "One page to fetch; may be repeated.",
  });

const httpKeywords = {
  ...connectionKeywords({ pause: "3" }),
  nb_get_retry: oldRetry,
  close_with: closeWith,
  virtualhost: keyword.field("virtualhost", text, {
    repeat: "last-wins-reported",
    missing: "virtualhost missing - ignoring",
    default: "that of real_server, else of virtual_server, else address and port",
    doc: "Host header of all urls.",
  }),
  http_protocol: keyword.value({
    args: [choice("1.0", "1.0C", "1.0c", "1.1")],
    apply: (draft, [version]) => {
      draft.httpProtocol = version === "1.0c" ? "1.0C" : version;
    },
    missing: "Missing http_protocol version",
    default: "1.0",
    since: "2.0.17",
    doc: "Version of HTTP; 1.0C adds Connection: close.",
  }),
  enable_sni: keyword.field("enableSni", switchArg, {
    default: "false",
    doc: "Sends a server name in the TLS handshake.",
  }),
  sni_name: keyword.value({
    args: [optional(text, undefined)],
    apply: (draft, [name], { at, diagnostics }) => {
      draft.enableSni = true;
      if (name !== undefined) draft.sniName = name;
      else if (draft.sniName !== undefined) {
        const message = `sni_name without a name after sni_name ${draft.sniName} - ignoring`;
        diagnostics.error("CFG_BAD_VALUE", at, message, "remove one of them");
      }
    },
    repeat: "last-wins-reported",
    default: "the virtualhost",
    since: "after 2.4.3",
    doc: "Server name for the TLS handshake; also enables it.",
  }),
  fast_recovery: keyword.field("fastRecovery", switchArg, {
    default: "false",
    since: "2.0.17",
    doc: "All urls are checked without waiting at the start and on recovery.",
  }),
};

export const httpGetScope: Scope<HttpCheckDraft> = {
  name: "HTTP_GET",
  keywords: { ...httpKeywords, url: url(httpUrlScope) },
};

export const sslGetScope: Scope<HttpCheckDraft> = {
  name: "SSL_GET",
  keywords: {
    ...httpKeywords,
    url: url(sslUrlScope),
    tls_compliant: keyword.field("tlsCompliant", switchArg, {
      default: "false",
      since: "2.2.8",
      doc: "Ends every connection with a proper TLS close.",
    }),
    session_resumption: keyword.field("sessionResumption", switchArg, {
      ours: true,
      source: "docs/differences.md, Checks",
      default: "false",
      doc: "Offers the TLS session of the last check, which spares both sides most of the handshake.",
    }),
  },
};

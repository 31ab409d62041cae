import type { Context, Keyword } from "../keyword.js";
import { keywordsFor, type Scope } from "../keyword.js";
import { type ClosingDraft, type ConnectionDraft, pingCheckScope, tcpCheckScope } from "./connection.js";
import {
  type BfdCheckDraft,
  bfdCheckScope,
  type FileCheckDraft,
  fileCheckScope,
  type MiscCheckDraft,
  miscCheckScope,
} from "./host-checks.js";
import { type HttpCheckDraft, httpGetScope, sslGetScope } from "./http-check.js";
import {
  type DnsCheckDraft,
  dnsCheckScope,
  noteUdpLengths,
  type SmtpCheckDraft,
  smtpCheckScope,
  type UdpCheckDraft,
  udpCheckScope,
} from "./other-checks.js";
import type { RealServerDraft } from "./real-server.js";
import { adviseSurplus } from "./service-address.js";

/** What one checker block said. */
export interface TcpCheckDraft extends ClosingDraft {
  readonly type: "TCP_CHECK";
}

export interface PingCheckDraft extends ConnectionDraft {
  readonly type: "PING_CHECK";
}

export type CheckDraft =
  | TcpCheckDraft
  | PingCheckDraft
  | HttpCheckDraft
  | SmtpCheckDraft
  | DnsCheckDraft
  | UdpCheckDraft
  | MiscCheckDraft
  | FileCheckDraft
  | BfdCheckDraft;

const keyword = keywordsFor<RealServerDraft>();

interface Rules<Draft> {
  readonly body: Scope<Draft>;
  make(server: RealServerDraft, at: Context["at"]): Draft;
  close?(check: Draft, context: Context): void;
  readonly doc: string;
  readonly since?: string;
  readonly effect?: "accepted";
}

const check = <Draft extends CheckDraft>({ make, close, ...rules }: Rules<Draft>): Keyword<RealServerDraft> =>
  keyword.block({
    shape: "",
    open: (server, header, context): Draft => {
      adviseSurplus(header[0], context);
      const made = make(server, context.at);
      if (server.checks === undefined) server.checks = [made];
      else server.checks.push(made);
      return made;
    },
    ...(close === undefined
      ? {}
      : { close: (_server: RealServerDraft, made: Draft, context: Context) => close(made, context) }),
    ...rules,
  });

export const checkKeywords: Readonly<Record<string, Keyword<RealServerDraft>>> = {
  TCP_CHECK: check<TcpCheckDraft>({
    body: tcpCheckScope,
    // Files have tens of thousands: what most of them say is in the object from the start, and needs no second one.
    make: ({ address }, at) => ({
      type: "TCP_CHECK",
      at,
      serverAddress: address,
      connectTimeout: undefined,
      retry: undefined,
      delayBeforeRetry: undefined,
      connectPort: undefined,
    }),
    doc: "Checks that a TCP connection opens.",
  }),
  HTTP_GET: check<HttpCheckDraft>({
    body: httpGetScope,
    make: ({ address }, at) => ({ type: "HTTP_GET", at, serverAddress: address, urls: [] }),
    doc: "Checks pages over HTTP.",
  }),
  SSL_GET: check<HttpCheckDraft>({
    body: sslGetScope,
    make: ({ address }, at) => ({ type: "SSL_GET", at, serverAddress: address, urls: [] }),
    doc: "Checks pages over TLS.",
  }),
  SMTP_CHECK: check<SmtpCheckDraft>({
    body: smtpCheckScope,
    make: ({ address }, at) => ({ type: "SMTP_CHECK", at, serverAddress: address }),
    doc: "Checks that a mail server greets and answers HELO.",
  }),
  DNS_CHECK: check<DnsCheckDraft>({
    body: dnsCheckScope,
    make: ({ address }, at) => ({ type: "DNS_CHECK", at, serverAddress: address }),
    doc: "Checks that a name server answers a query over UDP.",
  }),
  UDP_CHECK: check<UdpCheckDraft>({
    body: udpCheckScope,
    make: ({ address }, at) => ({ type: "UDP_CHECK", at, serverAddress: address }),
    close: (made, context) => noteUdpLengths(made, made.at, context),
    since: "2.1.0",
    doc: "Checks that a datagram is not rejected and, if asked for, that it is answered.",
  }),
  PING_CHECK: check<PingCheckDraft>({
    body: pingCheckScope,
    make: ({ address }, at) => ({ type: "PING_CHECK", at, serverAddress: address }),
    since: "2.1.0",
    doc: "Checks with ICMP echo.",
  }),
  MISC_CHECK: check<MiscCheckDraft>({
    body: miscCheckScope,
    make: (_server, at) => ({ type: "MISC_CHECK", at }),
    doc: "Checks by running a program.",
  }),
  FILE_CHECK: check<FileCheckDraft>({
    body: fileCheckScope,
    make: (_server, at) => ({ type: "FILE_CHECK", at }),
    since: "2.1.0",
    doc: "Takes the weight from the number in a track_file.",
  }),
  BFD_CHECK: check<BfdCheckDraft>({
    body: bfdCheckScope,
    make: (_server, at) => ({ type: "BFD_CHECK", at }),
    doc: "Follows a BFD session.",
  }),
};
